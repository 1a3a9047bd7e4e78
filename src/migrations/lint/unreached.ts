import { leading } from "../sql/leading.ts";
import { lineOf } from "../sql/line-of.ts";
import type { Mistake } from "./mistake.ts";
import { MARK } from "./script.ts";

/** What of a file no run would reach: what stands before its marks, or under a mark that was there already. null: there is nothing of it. */
export function unreachedIn(text: string): Mistake | null {
  const marks = [...text.matchAll(MARK)];
  const [first] = marks;
  if (first === undefined) return null;
  const start = leading(text.slice(0, first.index));
  if (start < first.index) return beforeMarks(text, start, marks.find(isUp));
  const second = marks.find((mark, index) => marks.slice(0, index).some((other) => isUp(other) === isUp(mark)));
  return second === undefined ? null : twice(text, second, marks);
}

function isUp({ 1: way = "" }: RegExpExecArray): boolean {
  return way.toLowerCase() === "up";
}

function beforeMarks(text: string, start: number, up: RegExpExecArray | undefined): Mistake {
  const [line = ""] = text.slice(start).split("\n");
  const shown = line.length > MOST_SHOWN ? `${line.slice(0, MOST_SHOWN - 1)}…` : line.trimEnd();
  return {
    line: lineOf(text, start),
    what: `\`${shown}\` stands before the first mark, so it would never run.`,
    fix: `write it below \`${up === undefined ? "-- migrate:up" : wordsOf(up)}\`, or leave it out`,
  };
}

const MOST_SHOWN = 60;

function twice(text: string, second: RegExpExecArray, marks: readonly RegExpExecArray[]): Mistake {
  const first = marks.find((mark) => isUp(mark) === isUp(second)) ?? second;
  return {
    line: lineOf(text, second.index),
    what: `\`${wordsOf(second)}\` stands here again: what is below it would never run, only what is below line ${lineOf(text, first.index)}.`,
    fix: `write both below one \`${wordsOf(first)}\`, or into two files`,
  };
}

function wordsOf([words]: RegExpExecArray): string {
  return words.trim();
}
