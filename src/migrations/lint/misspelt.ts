import { type Comment, commentsIn } from "../sql/comments.ts";
import { lineOf } from "../sql/line-of.ts";
import { saidToTidegate } from "./header-words.ts";
import { dividingNothing, rightWords, type Wrong, wrong, wrongWords } from "./misspelt-words.ts";
import type { Mistake } from "./mistake.ts";
import { isMark, partsOf } from "./script.ts";

/** A comment that means to say something to Tidegate, and that nobody would understand; the first of them. null: there is none. */
export function misspeltIn(text: string): Mistake | null {
  for (const { from, to } of partsOf(text))
    for (const comment of commentsIn(text.slice(from, to))) {
      const found = wrongIn(comment);
      if (found !== null) return { line: lineOf(text, from + comment.at), ...found };
    }
  return null;
}

function wrongIn(comment: Comment): Wrong | null {
  const { isBlock, isFirst, isInside, next } = comment;
  // In the midst of a statement it says something of what it stands behind: `phase text, -- phase: contract`.
  if (!isFirst && isInside && next !== null && next !== ";") return null;
  if (isBlock) return inBlock(comment);
  return isFirst ? inLine(comment) : behind(comment);
}

function inLine(comment: Comment): Wrong | null {
  return wrongWords(comment.words) ?? decorated(comment) ?? ofNothing(comment);
}

/** `--- phase: contract`, `-- # phase: contract`. */
function decorated({ whole, words }: Comment): Wrong | null {
  const plain = undecorated(words);
  if (plain === words || isMark(whole) || saidToTidegate(whole).length > 0) return null;
  const right = rightWords(plain);
  if (right === null) return /[:=]/.test(plain) ? wrongWords(plain) : null;
  return right.startsWith("-- migrate") ? dividingNothing(whole, right) : wrong(whole, right);
}

function undecorated(words: string): string {
  return words.replace(/^[^\p{L}\p{N}]+/u, "");
}

/** A `-- batch: 100` that no statement follows. */
function ofNothing({ whole, words, isInside, next }: Comment): Wrong | null {
  if (!BATCH.test(words) || (!isInside && next !== null)) return null;
  return {
    what: `\`${whole.trim()}\` stands before no statement here, so it is applied to none.`,
    fix: "write it before the statement that it is for, on a line of its own",
  };
}

const BATCH = /^batch[ \t]*:[ \t]*\d+(?![\w.-])/i;

/** Nobody looks for it behind a statement. */
function behind({ whole, words }: Comment): Wrong | null {
  if (/^migrate[ \t]*:[ \t]*(?:up|down)\b/i.test(words)) return dividingNothing(whole, words);
  const right = BATCH.test(words) ? whole.trim() : rightWords(undecorated(words));
  if (right === null) return wrongWords(words);
  return {
    what: `\`${whole.trim()}\` stands behind a statement, where it says nothing.`,
    fix: `write it before the statement, on a line of its own: \`${right}\``,
  };
}

function inBlock({ whole, words }: Comment): Wrong | null {
  const right = rightWords(words);
  if (right?.startsWith("-- migrate") === true) return dividingNothing(whole, right);
  const [, name = "", word = ""] = /^(phase|reversible|batch)\s*[:=]\s*([\w-]+)$/i.exec(words) ?? [];
  const meant = right ?? (name === "" ? null : `-- ${name.toLowerCase()}: ${word.toLowerCase()}`);
  return meant === null ? null : wrong(whole, meant);
}
