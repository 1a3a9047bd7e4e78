import { onOneLine } from "../../../core/text/plain-text.ts";

const SHOWN = 12;

/** The last lines of a tool's output. */
export function lastOf(said: readonly string[]): readonly string[] {
  return said.filter((line) => line.trim() !== "").slice(-SHOWN);
}

/** The line of a tool's output that says most. */
export function causeIn(said: readonly string[]): string {
  const lines = said.map((line) => line.trim()).filter((line) => line !== "");
  // Rails says in one line that it stops, and in the next why.
  const canceled = lines.findIndex((line) => line.endsWith("all later migrations canceled:"));
  const best =
    (canceled < 0 ? undefined : lines[canceled + 1]) ??
    lines.findLast((line) => /^(?:[\w.]+\.)?\w*(?:Error|Exception)\b.*:\s*\(psycopg/i.test(line)) ??
    lines.find((line) => /^PG::\w+: /.test(line)) ??
    // Ruby begins with what it died of, and goes on with where.
    lines.find((line) => /^\S+:\d+:in \S+ .+\([\w:]+\)$/.test(line)) ??
    lines.findLast((line) => /^(?:\[ERROR\]\s*)?(?:[\w.:]+(?:Error|Exception)|error)\b.*: /i.test(line)) ??
    lines.findLast((line) => /\b(?:error|fatal|failed)\b/i.test(line)) ??
    lines.at(-1) ??
    "it said nothing";
  return onOneLine(best, 300);
}

/** The last file of the version's own that a tool's output names with a line: `versions/a5_x.py:4`. */
export function placeIn(said: readonly string[], folder: string): string | null {
  for (const line of said.toReversed()) {
    const at = line.lastIndexOf(`${folder}/`);
    const found = at < 0 ? null : /^([^":\s]+)(?:", line |:)(\d+)/.exec(line.slice(at + folder.length + 1));
    if (found !== null) return `${found[1]}:${found[2]}`;
  }
  return null;
}

/** The line of a file at which a tool's output says that it broke off; null: it does not say. */
export function lineIn(said: readonly string[], name: string): number | null {
  for (const line of said.toReversed()) {
    const at = line.lastIndexOf(name);
    const found = at < 0 ? null : /^(?:", line |:)(\d+)/.exec(line.slice(at + name.length));
    if (found !== null) return Number(found[1]);
  }
  return null;
}
