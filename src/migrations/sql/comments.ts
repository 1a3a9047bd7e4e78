/** A comment of SQL, and what stands around it. */
export interface Comment {
  /** Of its first sign, in characters. */
  readonly at: number;
  /** With the signs around it. */
  readonly whole: string;
  /** Without them. */
  readonly words: string;
  readonly isBlock: boolean;
  /** Nothing stands before it on its line. */
  readonly isFirst: boolean;
  /** A statement has begun before it, and has no semicolon yet. */
  readonly isInside: boolean;
  /** What comes next that is no comment, by its first word or sign; null: nothing. */
  readonly next: string | null;
}

/** All of them, in their order: none in a text, a quoted name or the body of a function. */
export function commentsIn(text: string): readonly Comment[] {
  const found: Omit<Comment, "next">[] = [];
  const next: string[] = [];
  let isInside = false;
  let before = 0;
  for (const { 0: token, index: at } of text.matchAll(TOKEN)) {
    const isBlock = token.startsWith("/*");
    if (isBlock || token.startsWith("--")) {
      const isFirst = before === 0 || text.slice(before, at).includes("\n");
      const words = isBlock ? token.replaceAll(/^\/[*\s]+|[*\s]+\/$/g, "") : token.slice(2).trim();
      found.push({ at, whole: token, words, isBlock, isFirst, isInside });
    } else {
      isInside = token !== ";";
      while (next.length < found.length) next.push(token);
    }
    before = at + token.length;
  }
  return found.map((each, index) => ({ ...each, next: next[index] ?? null }));
}

const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'[^']*(?:''[^']*)*'|"[^"]*(?:""[^"]*)*"|\$((?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?)\$[\s\S]*?\$\1\$|[A-Za-z_][\w$]*|\S/g;
