import { nearest } from "../../core/text/nearest.ts";
import { saidToTidegate, withoutPairs, WORDS } from "./header-words.ts";
import type { Mistake } from "./mistake.ts";

/** What is wrong with a comment, and how to mend it. */
export type Wrong = Omit<Mistake, "line">;

/** The names of headers, and the words that may stand behind each; null: a number. */
const KNOWN = new Map<string, readonly string[] | null>([
  ["phase", WORDS.phase],
  ["reversible", WORDS.reversible],
  ["batch", null],
]);

/** What the words of a comment say wrongly; null: they say something right, or nothing to Tidegate. */
export function wrongWords(words: string): Wrong | null {
  const toTidegate = /^tidegate[ \t]*:(?!allow\b)(.*)$/i.exec(words)?.[1];
  if (toTidegate === undefined) return wayWrong(words) ?? nameWrong(words);
  return /[\w-]\s*[:=]/.test(withoutPairs(toTidegate)) ? sayingNothing(words) : null;
}

/** The comment that is meant by words that are nothing else, as it is right on a line of its own: `-- phase: contract`. */
export function rightWords(words: string): string | null {
  const [, way, transaction = ""] = /^migrate[ \t]*:[ \t]*(up|down)([ \t]+transaction:\w+)?\W*$/i.exec(words) ?? [];
  if (way !== undefined) return `-- migrate:${way.toLowerCase()}${transaction}`;
  const [, name = "", word = ""] = /^(phase|reversible|batch)[ \t]*[:=][ \t]*([\w-]+)\W*$/i.exec(words) ?? [];
  const known = KNOWN.get(name.toLowerCase());
  const meant = known === null ? /^\d+$/.exec(word)?.[0] : known === undefined ? undefined : nearest(word, known);
  if (meant !== undefined) return `-- ${name.toLowerCase()}: ${meant}`;
  return saidToTidegate(`-- ${words}`).length > 0 ? `-- ${words}` : null;
}

/** `-- migrate:dwon`, `-- migrate: down`, `-- migrate down`, `-- migration:up`, `-- migrate:up transaction: false`. */
function wayWrong(comment: string): Wrong | null {
  const [, name = "", gap = "", word = "", rest = ""] =
    /^([a-z]+)([ \t]*[:;=.,|>_-]+[ \t]*|[ \t]+)(\w+)(.*)$/i.exec(comment) ?? [];
  const way = nearest(word, ["up", "down"]);
  const isMeant = rest.trim() === "" || /^[ \t]*trans/i.test(rest);
  if (way === undefined || !isMeant) return null;
  const isExact = word.toLowerCase() === way;
  if (name.toLowerCase() !== "migrate") {
    const isNear = nearest(name, ["migrate", "migration", "migrations"]) !== undefined;
    return isNear && isExact && gap.trim() !== "" ? dividingNothing(`-- ${comment}`, way) : null;
  }
  if (gap !== ":" || !isExact) return gap.includes(":") || isExact ? dividingNothing(`-- ${comment}`, way) : null;
  if (rest.trim() === "" || /^[ \t]+transaction:(?:true|false)\s*$/i.test(rest)) return null;
  return {
    what: `\`${rest.trim()}\` says nothing: it is \`transaction:false\`, or nothing at all.`,
    fix: `write \`-- migrate:${way} transaction:false\`, or \`-- migrate:${way}\` alone`,
  };
}

/** A comment that looks like a mark and is none. `words`: those that name the way. */
export function dividingNothing(comment: string, words: string): Wrong {
  const way = /down/i.test(words) ? "down" : "up";
  return {
    what: `\`${comment.trim()}\` divides nothing here: what follows would be a part of what stands before it.`,
    fix: `write \`-- migrate:${way}\` on a line of its own`,
  };
}

/** `-- phaze: contract`, `-- fase: contract`, `-- batch: lots`, `-- phase: backfill, contract`, `-- phase contract`. What goes on in words is a comment. */
function nameWrong(comment: string): Wrong | null {
  const [, name = "", sign = "", word = "", rest = ""] =
    /^([\w-]+)(?:[ \t]*([:;=.,|>-]+)[ \t]*|[ \t]+)([\w-]+)(.*)$/.exec(comment) ?? [];
  const meant =
    sign === ""
      ? EXACT.find((each) => each === name.toLowerCase())
      : // As it sounds.
        nearest(name.replace(/^f/i, "ph"), KNOWN.keys());
  if (meant === undefined) return null;
  const words = KNOWN.get(meant) ?? null;
  const isExact = name.toLowerCase() === meant && (sign === ":" || sign === "=");
  const isAlone = /^[^\p{L}\p{N}]*$/u.test(rest);
  return words === null
    ? batchWrong(comment, { isExact, word, rest })
    : wordWrong(comment, words, { meant, isExact, word, rest, isAlone });
}

const EXACT = ["phase", "batch"];

/** `-- match: 100` is another word, and not a slip. */
function batchWrong(
  comment: string,
  { isExact, word, rest }: { readonly isExact: boolean; readonly word: string; readonly rest: string },
): Wrong | null {
  const isNumber = /^\d+$/.test(word);
  const isWhole = isNumber && Number(word) > 0 && !/^\S/.test(rest);
  if (isExact && comment.includes(":") && isWhole) return null;
  const isMeant = isExact ? isNumber || rest.trim() === "" : isNumber && rest.trim() === "" && /^b/i.test(comment);
  return isMeant ? wrong(`-- ${comment}`, `-- batch: ${isWhole ? word : 1000}`) : null;
}

function wordWrong(
  comment: string,
  words: readonly string[],
  said: {
    readonly meant: string;
    readonly isExact: boolean;
    readonly word: string;
    readonly rest: string;
    readonly isAlone: boolean;
  },
): Wrong | null {
  const { meant, isExact, word, rest, isAlone } = said;
  const value = nearest(word, words);
  if (!isExact) return value === undefined || !isAlone ? null : wrong(`-- ${comment}`, `-- ${meant}: ${value}`);
  const second = words.find(
    (each) => each !== word.toLowerCase() && new RegExp(`^[\\s,/|]*${each}\\b`, "i").test(rest),
  );
  return second === undefined ? null : wrong(`-- ${comment}`, `-- ${meant}: ${word}\` or \`-- ${meant}: ${second}`);
}

function sayingNothing(comment: string): Wrong {
  return {
    what: `\`-- ${comment.trim()}\` says nothing.`,
    fix: "write `-- tidegate: phase=contract, reversible=no`, or `-- tidegate:allow RULE because …`; or leave the comment out",
  };
}

/** `comment` and what is right, with the signs around them. */
export function wrong(comment: string, right: string): Wrong {
  return {
    what: `\`${comment.trim()}\` says nothing to Tidegate.`,
    fix: `write \`${right}\`, or leave the comment out`,
  };
}
