import { stripVTControlCharacters } from "node:util";

/** Columns that a text takes on a screen, its colours apart. */
export function widthOf(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}

export function padStart(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - widthOf(text))) + text;
}

/** Cut to the width, with a mark where something is missing. For texts without colours. */
export function cut(text: string, width: number, mark = "…"): string {
  const signs = Array.from(text);
  if (signs.length <= width) return text;
  return signs.slice(0, Math.max(0, width - mark.length)).join("") + mark.slice(0, Math.max(0, width));
}

/** Lines of at most `width` columns, broken between words; later lines are indented. For texts without colours. */
export function wrap(text: string, width: number, indent = ""): readonly string[] {
  return text.split("\n").flatMap((paragraph) => {
    if (widthOf(paragraph) <= width) return [paragraph];
    const lead = /^ */.exec(paragraph)?.[0] ?? "";
    const words = paragraph
      .trim()
      .replaceAll(GROUPED, GLUE)
      .split(/ +/)
      .map((word) => word.replaceAll(GLUE, " "));
    return wrapItems(words, width, { between: " ", lead, indent: lead + indent });
  });
}

/** "12 310" is one number. */
const GROUPED = /(?<=\d) (?=\d{3}(?!\d))/g;
const GLUE = "\u00A0";

/** Items that may hold colours, filled into lines; an item is never broken unless it is longer than a line. */
export function wrapItems(
  items: readonly string[],
  width: number,
  { between, lead = "", indent = "" }: { readonly between: string; readonly lead?: string; readonly indent?: string },
): readonly string[] {
  const lines: string[] = [];
  let line = lead;
  let isEmpty = true;
  for (const item of items) {
    if (!isEmpty && widthOf(line) + between.length + widthOf(item) > width) {
      lines.push(line);
      line = indent;
      isEmpty = true;
    }
    line += isEmpty ? item : between + item;
    isEmpty = false;
  }
  lines.push(line);
  return lines;
}

/** Left and right on one line; on two where they don't fit. */
export function bothSides(left: string, right: string, width: number): readonly string[] {
  const gap = width - widthOf(left) - widthOf(right);
  return gap >= 2 ? [left + " ".repeat(gap) + right] : [left, right];
}
