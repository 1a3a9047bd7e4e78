import type { MigrationPhase } from "../../core/plan/database.ts";
import { lineOf } from "../sql/line-of.ts";
import { headersIn, type HeaderWord, isKnown, saidToTidegate, withoutBodies, wordOf, WORDS } from "./header-words.ts";
import { misspeltIn } from "./misspelt.ts";
import type { Mistake } from "./mistake.ts";

/** What a file says of itself in comments: `-- phase: expand`, `-- reversible: lossy`. */
export interface Headers {
  /** null: it does not say. */
  readonly phase: MigrationPhase | null;
  readonly reversible: Reversible;
  /** The first that says something that there is not; null: none does. */
  readonly misspelt: Mistake | null;
}

/** What the file itself says of its way back; `unsaid`: it is found out. */
export type Reversible = "yes" | "lossy" | "no" | "unsaid";

export function headersOf(text: string): Headers {
  const ours = withoutBodies(text);
  const headers = readHeaders([...headersIn(ours), ...saidToTidegate(ours)], text);
  const misspelt = [headers.misspelt, misspeltIn(text)].filter((each) => each !== null);
  return { ...headers, misspelt: misspelt.toSorted((x, y) => x.line - y.line)[0] ?? null };
}

/** What was said, as far as there are such words. */
export function readHeaders(said: readonly HeaderWord[], text: string): Headers {
  const wrong = said.find((each) => !isKnown(each));
  const other = said.find((each) => each.word !== wordOf(said, each.name));
  const at = wrong ?? other;
  return {
    phase: wordOf(said, "phase") as MigrationPhase | null,
    reversible: (wordOf(said, "reversible") as Reversible | null) ?? "unsaid",
    misspelt: at === undefined ? null : misspelt(at, lineOf(text, at.at), wrong === undefined ? said : []),
  };
}

/** `others`: what else was said, where they contradict each other. */
function misspelt({ name, word }: HeaderWord, line: number, others: readonly HeaderWord[]): Mistake {
  const words = WORDS[name];
  const fix = `write one of them: ${words.join(", ")}; or leave the comment out`;
  const before = wordOf(others, name);
  if (before !== null)
    return { line, what: `It says \`${name}: ${before}\` and \`${name}: ${word}\`: it can be only one.`, fix };
  const all = `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
  const what =
    name === "phase" ? `There is no phase \`${word}\`: ${all}.` : `\`${name}: ${word}\` says nothing: it is ${all}.`;
  return { line, what, fix };
}

/** The number of `-- batch: 1000` among the comments that stand right before a statement; null: there is none. */
export function batchBefore(text: string, from: number, start: number): number | null {
  const found = /^[ \t]*--[ \t]*batch[ \t]*:[ \t]*(\d+)/im.exec(text.slice(from, start))?.[1];
  return found === undefined ? null : Number(found);
}
