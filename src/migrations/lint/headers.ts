import { MIGRATION_PHASES, type MigrationPhase } from "../../core/plan/database.ts";

/** What a file says of itself in comments: `-- phase: expand`, `-- reversible: lossy`. */
export interface Headers {
  /** null: it does not say. */
  readonly phase: MigrationPhase | null;
  readonly reversible: Reversible;
  /** The first that says something that there is not; null: none does. */
  readonly misspelt: Misspelt | null;
}

/** What the file itself says of its way back; `unsaid`: it is found out. */
export type Reversible = "yes" | "lossy" | "no" | "unsaid";

export interface Misspelt {
  /** In the file, from 1. */
  readonly line: number;
  readonly what: string;
  readonly fix: string;
}

/** The words that may stand behind a name. */
const WORDS = {
  phase: MIGRATION_PHASES,
  reversible: ["yes", "lossy", "no"],
  transaction: ["yes", "no"],
} as const satisfies Readonly<Record<string, readonly string[]>>;
type HeaderName = keyof typeof WORDS;

/** A name and the word behind it, both in small letters. */
export interface Said {
  readonly name: HeaderName;
  readonly word: string;
  /** Of the line in the text, in characters. */
  readonly at: number;
}

const HEADER = /^[ \t]*--[ \t]*(phase|reversible):[ \t]*([\w-]+|\S*)/gim;

export function headersOf(text: string): Headers {
  return readHeaders([...text.matchAll(HEADER)].map(saidBy), text);
}

export function saidBy({ 1: name = "", 2: word = "", index }: RegExpExecArray): Said {
  return { name: name.toLowerCase() as HeaderName, word: word.toLowerCase(), at: index };
}

/** What was said, as far as there are such words. */
export function readHeaders(said: readonly Said[], text: string): Headers {
  const wrong = said.find((each) => !isKnown(each));
  return {
    phase: wordOf(said, "phase") as MigrationPhase | null,
    reversible: (wordOf(said, "reversible") as Reversible | null) ?? "unsaid",
    misspelt: wrong === undefined ? null : misspelt(wrong, text.slice(0, wrong.at).split("\n").length),
  };
}

/** The first that there is; null: nothing of it was said. */
export function wordOf(said: readonly Said[], name: HeaderName): string | null {
  return said.find((each) => each.name === name && isKnown(each))?.word ?? null;
}

function isKnown({ name, word }: Said): boolean {
  return WORDS[name].some((each) => each === word);
}

function misspelt({ name, word }: Said, line: number): Misspelt {
  const words = WORDS[name];
  const all = `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
  const what =
    name === "phase" ? `There is no phase \`${word}\`: ${all}.` : `\`${name}: ${word}\` says nothing: it is ${all}.`;
  return { line, what, fix: `write one of them: ${words.join(", ")}; or leave the comment out` };
}

/** The number of `-- batch: 1000` among the comments that stand right before a statement; null: there is none. */
export function batchBefore(text: string, from: number, start: number): number | null {
  const found = /^[ \t]*--[ \t]*batch:[ \t]*(\d+)/im.exec(text.slice(from, start))?.[1];
  return found === undefined ? null : Number(found);
}
