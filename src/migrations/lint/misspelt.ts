import { nearest } from "../../core/text/nearest.ts";
import { lineOf } from "../sql/line-of.ts";
import { withoutPairs, WORDS } from "./header-words.ts";
import type { Misspelt } from "./headers.ts";

/** A comment that means to say something to Tidegate, and that nobody would understand; the first of them. null: there is none. */
export function misspeltIn(text: string): Misspelt | null {
  for (const { 0: whole, 1: dashed, 2: block = "", index } of text.matchAll(COMMENT)) {
    const found = dashed === undefined ? inBlock(block) : inLine(dashed);
    const indent = whole.length - whole.trimStart().length;
    if (found !== null) return { line: lineOf(text, index + indent), ...found };
  }
  return null;
}

type Wrong = Omit<Misspelt, "line">;

const COMMENT = /^[ \t]*(?:--[ \t]*(.*)|\/\*+\s*([^*]*?)\s*\*+\/)/gm;

/** The names of headers, and the words that may stand behind each; null: a number. */
const KNOWN = new Map<string, readonly string[] | null>([
  ["phase", WORDS.phase],
  ["reversible", WORDS.reversible],
  ["batch", null],
]);

function inLine(comment: string): Wrong | null {
  const toTidegate = /^tidegate[ \t]*:(?!allow\b)(.*)$/i.exec(comment)?.[1];
  if (toTidegate === undefined) return wayWrong(comment) ?? nameWrong(comment);
  return /\w/.test(withoutPairs(toTidegate)) ? sayingNothing(comment) : null;
}

/** `-- migrate:dwon`, `-- migrate: down`, `-- migrate:up transaction: false`. */
function wayWrong(comment: string): Wrong | null {
  const [, gap = "", word = "", rest = ""] = /^migrate([ \t]*:[ \t]*)(\w+)(.*)$/i.exec(comment) ?? [];
  const way = nearest(word, ["up", "down"]);
  if (way === undefined) return null;
  if (gap !== ":" || word.toLowerCase() !== way)
    return {
      what: `\`${comment.trim()}\` divides nothing: what follows would be a part of what stands before it.`,
      fix: `write \`-- migrate:${way}\``,
    };
  if (!/^\s*trans|:|=/i.test(rest) || /^[ \t]+transaction:(?:true|false)\s*$/i.test(rest)) return null;
  return {
    what: `\`${rest.trim()}\` says nothing: it is \`transaction:false\`, or nothing at all.`,
    fix: `write \`-- migrate:${way} transaction:false\`, or \`-- migrate:${way}\` alone`,
  };
}

/** `-- phaze: contract`, `-- batch: lots`, `-- phase: backfill, contract`. */
function nameWrong(comment: string): Wrong | null {
  const [, name = "", sign = "", word = "", rest = ""] = /^([\w-]+)[ \t]*([:=])[ \t]*([\w-]+)(.*)$/.exec(comment) ?? [];
  const meant = nearest(name, KNOWN.keys());
  if (meant === undefined) return null;
  const words = KNOWN.get(meant);
  const isNumber = /^\d+$/.test(word);
  const isExact = name.toLowerCase() === meant;
  if (words === null || words === undefined) {
    if (isExact && sign === ":" && isNumber && Number(word) > 0) return null;
    return isExact || (isNumber && rest.trim() === "")
      ? wrong(comment, `-- ${meant}: ${isNumber && Number(word) > 0 ? word : 1000}`)
      : null;
  }
  const value = nearest(word, words);
  if (isExact) {
    const second = words.find(
      (each) => each !== word.toLowerCase() && new RegExp(`^[\\s,/|]*${each}\\b`, "i").test(rest),
    );
    return second === undefined ? null : wrong(comment, `-- ${meant}: ${word}\` or \`-- ${meant}: ${second}`);
  }
  return value === undefined ? null : wrong(comment, `-- ${meant}: ${value}`);
}

function inBlock(comment: string): Wrong | null {
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
