import type { Source } from "./located.ts";

/** Both from 1, the column in UTF-16 units as editors count. */
export function lineAndColumn(source: Source, offset: number): { readonly line: number; readonly column: number } {
  const starts = lineStartsOf(source);
  let [line, after] = [0, starts.length];
  while (after - line > 1) {
    const middle = (line + after) >> 1;
    if ((starts[middle] ?? 0) <= offset) line = middle;
    else after = middle;
  }
  return { line: line + 1, column: offset - (starts[line] ?? 0) + 1 };
}

/** The offset at which a line, counted from 1, begins. */
export function lineStart(source: Source, line: number): number {
  return lineStartsOf(source)[line - 1] ?? 0;
}

/** Looked for once a file: every mistake and every step of a plan asks. */
const lineStarts = new WeakMap<Source, readonly number[]>();

function lineStartsOf(source: Source): readonly number[] {
  const known = lineStarts.get(source);
  if (known !== undefined) return known;
  const starts = [0];
  for (let at = source.text.indexOf("\n"); at >= 0; at = source.text.indexOf("\n", at + 1)) starts.push(at + 1);
  lineStarts.set(source, starts);
  return starts;
}
