/** A task list item of a Markdown text. */
export interface MarkdownItem {
  /** On one line, without the comments in it. */
  readonly text: string;
  readonly ticked: boolean;
  /** Headings, then the list items that it is nested in, outermost first. */
  readonly headings: readonly string[];
  readonly remarks: readonly Remark[];
}

/** An HTML comment; the offsets are of what is inside it. */
export interface Remark {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

export interface MarkdownItems {
  readonly items: readonly MarkdownItem[];
  /** Comments that belong to no item. */
  readonly strays: readonly Remark[];
  /** Lines that were meant as items and that Markdown does not take for such: `- []`, `-[ ]`. */
  readonly malformed: readonly { readonly start: number; readonly end: number }[];
}

/**
 * The task list items of a Markdown text: `-`, `*`, `+` or numbered, nested, quoted, over several lines; none of code
 * blocks and comments. Source: CommonMark and GitHub's task lists, as far as lists and headings go.
 */
export function markdownItems(text: string): MarkdownItems {
  const lines = splitLines(text);
  const fenced = fencedLines(lines);
  const comments = commentsOf(text, lines, fenced);
  const walk: Walk = { lines: withoutComments(lines, comments), headings: [], list: [], found: [], malformed: [] };
  lines.forEach((_, index) => {
    if (!fenced.has(index)) readLine(walk, index);
    else walk.open = undefined;
  });
  const strays: Remark[] = [];
  for (const comment of comments) {
    const owner = walk.found.find(({ from, to }) => comment.line >= from && comment.line <= to);
    (owner?.remarks ?? strays).push(comment.remark);
  }
  const items = walk.found.map(({ words, ticked, headings, remarks }) => ({
    text: words.join(" ").replaceAll(/\s+/g, " ").trim(),
    ticked,
    headings,
    remarks,
  }));
  return { items, strays, malformed: walk.malformed };
}

interface Line {
  readonly text: string;
  readonly start: number;
  /** Held a comment, which is blank now. */
  readonly commented?: boolean;
}

interface Found {
  readonly words: string[];
  readonly ticked: boolean;
  readonly headings: readonly string[];
  readonly remarks: Remark[];
  readonly from: number;
  /** The last line that belongs to it. */
  to: number;
}

interface Walk {
  readonly lines: readonly Line[];
  readonly headings: { readonly level: number; readonly text: string }[];
  /** Open list items, outermost first, task or not. */
  readonly list: { readonly indent: number; readonly text: string }[];
  readonly found: Found[];
  readonly malformed: { readonly start: number; readonly end: number }[];
  /** The item that the next line may go on. */
  open?: Found | undefined;
  /** A line that a row of `===` or `---` under it would make a heading. */
  paragraph?: string | undefined;
}

const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const TASK = /^\[([ xX])\]\s+(.*)$/;
// `[x](…)` and `[x][…]` are links.
const MEANT = /^\s*([-*+]|\d{1,9}[.)])\s*\[\s{0,2}[xX]?\s{0,2}\](?![([:])/;

function readLine(walk: Walk, index: number): void {
  const line = walk.lines[index];
  if (line === undefined) return;
  const text = line.text.replace(/^( {0,3}> ?)+/, "");
  const before = walk.paragraph;
  walk.paragraph = undefined;
  if (text.trim() === "") {
    // A line with nothing but a comment goes on with its item.
    if (walk.open !== undefined && line.commented === true) walk.open.to = index;
    else walk.open = undefined;
    return;
  }
  if (readHeading(walk, text, before)) return;
  const indent = indentOf(text);
  // Four spaces outside a list are code.
  if (indent >= 4 && walk.list.length === 0) return;
  const item = ITEM.exec(text);
  const task = TASK.exec(item?.[3] ?? "");
  const isMeant = MEANT.test(text);
  if (item !== null && (task === null ? !isMeant : task[2]?.trim() !== ""))
    return openItem(walk, index, indent, item[3] ?? "", task);
  if (isMeant) {
    const start = line.start + (line.text.length - line.text.trimStart().length);
    walk.malformed.push({ start, end: line.start + line.text.trimEnd().length });
    return;
  }
  if (walk.open !== undefined) {
    walk.open.words.push(text.trim());
    walk.open.to = index;
    return;
  }
  if (indent === 0) walk.list.length = 0;
  walk.paragraph = text.trim();
}

function readHeading(walk: Walk, text: string, before: string | undefined): boolean {
  const marked = /^ {0,3}(#{1,6})\s+(.*?)(?:\s+#+)?\s*$/.exec(text);
  const underlined = before === undefined ? null : /^ {0,3}(=+|-+)\s*$/.exec(text);
  if (marked === null && underlined === null) return false;
  const level = marked === null ? (underlined?.[1]?.startsWith("=") === true ? 1 : 2) : (marked[1] ?? "").length;
  while ((walk.headings.at(-1)?.level ?? 0) >= level) walk.headings.pop();
  walk.headings.push({ level, text: (marked === null ? (before ?? "") : (marked[2] ?? "")).trim() });
  walk.list.length = 0;
  walk.open = undefined;
  return true;
}

function openItem(walk: Walk, index: number, indent: number, rest: string, task: RegExpExecArray | null): void {
  while ((walk.list.at(-1)?.indent ?? -1) >= indent) walk.list.pop();
  const headings = [...walk.headings, ...walk.list].map(({ text }) => text).filter((text) => text !== "");
  const text = (task === null ? rest : (task[2] ?? "")).replaceAll(/\s+/g, " ").trim();
  walk.list.push({ indent, text });
  walk.open = undefined;
  if (task === null) return;
  walk.open = { words: [text], ticked: task[1] !== " ", headings, remarks: [], from: index, to: index };
  walk.found.push(walk.open);
}

function splitLines(text: string): readonly Line[] {
  let start = 0;
  return text.split("\n").map((line) => {
    const from = start;
    start += line.length + 1;
    return { text: line.replace(/\r$/, ""), start: from };
  });
}

/** Indices of the lines of fenced code blocks, their fences included. */
function fencedLines(lines: readonly Line[]): ReadonlySet<number> {
  const fenced = new Set<number>();
  let fence: string | null = null;
  lines.forEach(({ text }, index) => {
    const mark = /^[\s>]*(`{3,}|~{3,})(.*)$/.exec(text);
    if (fence === null) {
      // "```x```" on one line is inline code.
      if (mark === null || (mark[1]?.startsWith("`") === true && mark[2]?.includes("`") === true)) return;
      fence = mark[1] ?? "";
      fenced.add(index);
      return;
    }
    fenced.add(index);
    const closes = mark !== null && mark[2]?.trim() === "" && mark[1]?.startsWith(fence) === true;
    if (closes) fence = null;
  });
  return fenced;
}

interface Comment {
  readonly remark: Remark;
  readonly line: number;
  readonly from: number;
  readonly to: number;
}

function commentsOf(text: string, lines: readonly Line[], fenced: ReadonlySet<number>): readonly Comment[] {
  const comments: Comment[] = [];
  for (const match of text.matchAll(/<!--(.*?)(?:-->|$(?![\s\S]))/gs)) {
    const line = lines.findLastIndex(({ start }) => start <= match.index);
    const lead = text.slice(lines[line]?.start ?? 0, match.index);
    const isCode = fenced.has(line) || (lead.split("`").length - 1) % 2 === 1;
    if (isCode) continue;
    const inner = match[1] ?? "";
    const start = match.index + 4 + (inner.length - inner.trimStart().length);
    const trimmed = inner.trim();
    comments.push({
      remark: { text: trimmed.replaceAll(/\s+/g, " "), start, end: start + trimmed.length },
      line,
      from: match.index,
      to: match.index + match[0].length,
    });
  }
  return comments;
}

/** The lines with their comments made blank; every character keeps its place. */
function withoutComments(lines: readonly Line[], comments: readonly Comment[]): readonly Line[] {
  return lines.map(({ text, start }) => {
    let shown = text;
    for (const { from, to } of comments) {
      const a = Math.max(0, from - start);
      const b = Math.min(text.length, to - start);
      if (a < b) shown = shown.slice(0, a) + " ".repeat(b - a) + shown.slice(b);
    }
    return { text: shown, start, commented: shown !== text };
  });
}

/** Columns before the text; a tab goes to the next multiple of four. */
function indentOf(text: string): number {
  let column = 0;
  for (const character of text) {
    if (character === " ") column += 1;
    else if (character === "\t") column += 4 - (column % 4);
    else break;
  }
  return column;
}
