import { MIGRATION_PHASES } from "../../core/plan/database.ts";
import { nearest } from "../../core/text/nearest.ts";

/** The words that may stand behind a name. */
export const WORDS = {
  phase: MIGRATION_PHASES,
  reversible: ["yes", "lossy", "no"],
  transaction: ["yes", "no"],
} as const satisfies Readonly<Record<string, readonly string[]>>;
export type HeaderName = keyof typeof WORDS;

/** A name and the word behind it, both in small letters. */
export interface HeaderWord {
  readonly name: HeaderName;
  readonly word: string;
  /** Of the line in the text, in characters. */
  readonly at: number;
}

const HEADER = /^[ \t]*--[ \t]*(phase|reversible)[ \t]*[:=][ \t]*([\w-]+|\S*)(.*)/gim;

/** What comments of SQL say: `-- phase: expand`. */
export function headersIn(text: string): readonly HeaderWord[] {
  return [...text.matchAll(HEADER)].filter(isMeant).map(wordBy);
}

/** `-- Phase: see the ticket` says something to people. */
function isMeant({ 1: name = "", 2: word = "", 3: rest = "" }: RegExpExecArray): boolean {
  const words = WORDS[name.toLowerCase() as HeaderName];
  return nearest(word, words) !== undefined || (rest.trim() === "" && !/^\d+$/.test(word));
}

/** The bodies of functions have comments of their own. They become blank. */
export function withoutBodies(text: string): string {
  return text.replaceAll(/\$(\w*)\$.*?\$\1\$/gs, (body) => body.replaceAll(/[^\n]/g, " "));
}

const TO_TIDEGATE = /^[ \t]*(?:#|\/\/|--|\*)+[ \t]*tidegate:(.*)$/gim;
const PAIR = /\b(phase|reversible|transaction)\s*[=:]\s*([\w-]+|\S*)/gi;

/** What a file of any language says of itself: `# tidegate: phase=contract`, `// tidegate: phase=expand, reversible=no`. */
export function saidToTidegate(text: string): readonly HeaderWord[] {
  return [...text.matchAll(TO_TIDEGATE)].flatMap(({ 1: words = "", index }) =>
    [...words.matchAll(PAIR)].map((pair) => ({ ...wordBy(pair), at: index })),
  );
}

/** Without the pairs that are read. */
export function withoutPairs(words: string): string {
  return words.replaceAll(PAIR, "");
}

function wordBy({ 1: name = "", 2: word = "", index }: RegExpExecArray): HeaderWord {
  return { name: name.toLowerCase() as HeaderName, word: word.toLowerCase(), at: index };
}

/** The first that there is; null: nothing of it was said. */
export function wordOf(said: readonly HeaderWord[], name: HeaderName): string | null {
  return said.find((each) => each.name === name && isKnown(each))?.word ?? null;
}

export function isKnown({ name, word }: HeaderWord): boolean {
  return WORDS[name].some((each) => each === word);
}
