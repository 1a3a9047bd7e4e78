import { nearest } from "../../core/text/nearest.ts";
import { lineOf } from "../sql/line-of.ts";
import { withoutPairs, WORDS } from "./header-words.ts";
import type { Mistake } from "./mistake.ts";

/**
 * A comment that means to say something to Tidegate, and that nobody would understand; the first of them. null: there is none. `text` without
 * the bodies of functions.
 */
export function misspeltIn(text: string): Mistake | null {
  for (const { 0: whole, 1: before = "", 2: dashed, 3: block = "", index } of text.matchAll(COMMENT)) {
    const found = dashed === undefined ? inBlock(block) : before.trim() === "" ? inLine(dashed) : inTheMiddle(dashed);
    const indent = whole.length - whole.trimStart().length;
    if (found !== null) return { line: lineOf(text, index + indent), ...found };
  }
  return null;
}

type Wrong = Omit<Mistake, "line">;

const COMMENT = /^(?:([ \t]*|[^\n]*;[ \t]*)--[ \t]*(.*)|[ \t]*\/\*+\s*([^*]*?)\s*\*+\/)/gm;

/** The names of headers, and the words that may stand behind each; null: a number. */
const KNOWN = new Map<string, readonly string[] | null>([
  ["phase", WORDS.phase],
  ["reversible", WORDS.reversible],
  ["batch", null],
]);

function inLine(comment: string): Wrong | null {
  const toTidegate = /^tidegate[ \t]*:(?!allow\b)(.*)$/i.exec(comment)?.[1];
  if (toTidegate === undefined) return wayWrong(comment) ?? nameWrong(comment);
  return /[\w-]\s*[:=]/.test(withoutPairs(toTidegate)) ? sayingNothing(comment) : null;
}

/** Behind a statement nobody looks for it. */
function inTheMiddle(comment: string): Wrong | null {
  return /^migrate[ \t]*:[ \t]*(?:up|down)\b/i.test(comment) ? dividingNothing(comment, comment) : null;
}

/** `-- migrate:dwon`, `-- migrate: down`, `-- migrate down`, `-- migrate:up transaction: false`. */
function wayWrong(comment: string): Wrong | null {
  const [, gap = "", word = "", rest = ""] = /^migrate([ \t]*:[ \t]*|[ \t-]+)(\w+)(.*)$/i.exec(comment) ?? [];
  if (word === "") return null;
  const way = nearest(word, ["up", "down"]);
  const isMeant = rest.trim() === "" || /^[ \t]*trans/i.test(rest);
  if (way === undefined || !isMeant) return null;
  const isExact = word.toLowerCase() === way;
  if (gap !== ":" || !isExact) return gap.includes(":") || isExact ? dividingNothing(comment, way) : null;
  if (rest.trim() === "" || /^[ \t]+transaction:(?:true|false)\s*$/i.test(rest)) return null;
  return {
    what: `\`${rest.trim()}\` says nothing: it is \`transaction:false\`, or nothing at all.`,
    fix: `write \`-- migrate:${way} transaction:false\`, or \`-- migrate:${way}\` alone`,
  };
}

function dividingNothing(comment: string, words: string): Wrong {
  const way = /down/i.test(words) ? "down" : "up";
  return {
    what: `\`${comment.trim()}\` divides nothing here: what follows would be a part of what stands before it.`,
    fix: `write \`-- migrate:${way}\` on a line of its own`,
  };
}

/** `-- phaze: contract`, `-- batch: lots`, `-- phase: backfill, contract`, `-- phase contract`. What goes on in words is a comment. */
function nameWrong(comment: string): Wrong | null {
  const [, name = "", sign = "", word = "", rest = ""] =
    /^([\w-]+)(?:[ \t]*([:=])[ \t]*|[ \t]+)([\w-]+)(.*)$/.exec(comment) ?? [];
  const meant = sign === "" ? EXACT.find((each) => each === name.toLowerCase()) : nearest(name, KNOWN.keys());
  if (meant === undefined) return null;
  const words = KNOWN.get(meant) ?? null;
  const isExact = name.toLowerCase() === meant;
  const isAlone = rest.trim() === "";
  return words === null
    ? batchWrong(comment, { isExact: isExact && sign !== "", word, rest })
    : wordWrong(comment, words, { meant, isExact: isExact && sign !== "", word, rest, isAlone });
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
  return isMeant ? wrong(comment, `-- batch: ${isWhole ? word : 1000}`) : null;
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
  if (!isExact) return value === undefined || !isAlone ? null : wrong(comment, `-- ${meant}: ${value}`);
  const second = words.find(
    (each) => each !== word.toLowerCase() && new RegExp(`^[\\s,/|]*${each}\\b`, "i").test(rest),
  );
  return second === undefined ? null : wrong(comment, `-- ${meant}: ${word}\` or \`-- ${meant}: ${second}`);
}

function inBlock(comment: string): Wrong | null {
  if (/^migrate\s*:\s*(?:up|down)$/i.test(comment)) return dividingNothing(`/* ${comment} */`, comment);
  const [, name = "", word = ""] = /^(phase|reversible|batch)\s*[:=]\s*([\w-]+)$/i.exec(comment) ?? [];
  return name === "" ? null : wrong(`/* ${comment} */`, `-- ${name.toLowerCase()}: ${word.toLowerCase()}`);
}

function sayingNothing(comment: string): Wrong {
  return {
    what: `\`${comment.trim()}\` says nothing.`,
    fix: "write `-- tidegate: phase=contract, reversible=no`, or `-- tidegate:allow RULE because …`; or leave the comment out",
  };
}

function wrong(comment: string, right: string): Wrong {
  return {
    what: `\`${comment.trim()}\` says nothing to Tidegate.`,
    fix: `write \`${right}\`, or leave the comment out`,
  };
}
