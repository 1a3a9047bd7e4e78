import type { Reading } from "../../core/plan/source.ts";
import { onOneLine } from "../../core/text/plain-text.ts";

/** The number in a JSON document that a JMESPath names; without one the document is the number. */
export async function selected(
  document: unknown,
  select: string | undefined,
  redact: (text: string) => string,
): Promise<Reading> {
  if (select === undefined)
    return typeof document === "object" && document !== null
      ? { kind: "down", why: "it answers with a document", fix: "say with `select` which number of it is meant" }
      : numberOf(document, "it answers with", redact);
  const { search } = await import("@jmespath-community/jmespath");
  try {
    return numberOf(search(document as Parameters<typeof search>[0], select), `\`${select}\` gives`, redact);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return {
      kind: "down",
      why: `\`${select}\` can't be applied: ${onOneLine(redact(cause), 160)}`,
      fix: "mend `select`",
    };
  }
}

/** A number as people and programs write it, or why it is none. `gives`: "it answers with". */
export function numberOf(found: unknown, gives: string, redact: (text: string) => string): Reading {
  if (found === null || found === undefined) return { kind: "no-data", why: `${gives} nothing` };
  const value = typeof found === "string" && found.trim() !== "" ? Number(found) : found;
  if (typeof value === "number" && Number.isFinite(value)) return { kind: "value", value };
  if (typeof value === "number" && typeof found === "number") return { kind: "no-data", why: `${gives} ${found}` };
  if (Array.isArray(found))
    return {
      kind: "down",
      why: `${gives} ${found.length} values where one number is needed`,
      fix: "make one of them: `sum(…)`, `length(…)`, `max(…)`",
    };
  const shown = onOneLine(redact(typeof found === "string" ? found : JSON.stringify(found)), 60);
  return { kind: "down", why: `${gives} \`${shown}\` where a number is needed` };
}
