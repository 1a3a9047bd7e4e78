import { MIGRATION_PHASES, type MigrationPhase } from "../../core/plan/database.ts";
import { lineAt, misspeltIn } from "./misspelt.ts";

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

const HEADER = /^[ \t]*--[ \t]*(phase|reversible)[ \t]*[:=][ \t]*([\w-]+|\S*)/gim;

export function headersOf(text: string): Headers {
  const headers = readHeaders([...[...text.matchAll(HEADER)].map(saidBy), ...saidToTidegate(text)], text);
  const misspelt = [headers.misspelt, misspeltIn(text)].filter((each) => each !== null);
  return { ...headers, misspelt: misspelt.toSorted((x, y) => x.line - y.line)[0] ?? null };
}

const TO_TIDEGATE = /^[ \t]*(?:#|\/\/|--|\*)+[ \t]*tidegate:(.*)$/gim;
const PAIR = /\b(phase|reversible|transaction)\s*[=:]\s*([\w-]+|\S*)/gi;

/** What a file of any language says of itself: `# tidegate: phase=contract`, `// tidegate: phase=expand, reversible=no`. */
export function saidToTidegate(text: string): readonly Said[] {
  return [...text.matchAll(TO_TIDEGATE)].flatMap(({ 1: words = "", index }) =>
    [...words.matchAll(PAIR)].map((pair) => ({ ...saidBy(pair), at: index })),
  );
}

/** Without the pairs that are read. */
export function withoutPairs(words: string): string {
  return words.replaceAll(PAIR, "");
}

export function saidBy({ 1: name = "", 2: word = "", index }: RegExpExecArray): Said {
  return { name: name.toLowerCase() as HeaderName, word: word.toLowerCase(), at: index };
}

/** What was said, as far as there are such words. */
export function readHeaders(said: readonly Said[], text: string): Headers {
  const wrong = said.find((each) => !isKnown(each));
  const other = said.find((each) => each.word !== wordOf(said, each.name));
  const at = wrong ?? other;
  return {
    phase: wordOf(said, "phase") as MigrationPhase | null,
    reversible: (wordOf(said, "reversible") as Reversible | null) ?? "unsaid",
    misspelt: at === undefined ? null : misspelt(at, lineAt(text, at.at), wrong === undefined ? said : []),
  };
}

/** The first that there is; null: nothing of it was said. */
export function wordOf(said: readonly Said[], name: HeaderName): string | null {
  return said.find((each) => each.name === name && isKnown(each))?.word ?? null;
}

function isKnown({ name, word }: Said): boolean {
  return WORDS[name].some((each) => each === word);
}

/** `others`: what else was said, where they contradict each other. */
function misspelt({ name, word }: Said, line: number, others: readonly Said[]): Misspelt {
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
