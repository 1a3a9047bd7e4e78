/** A statement of SQLite in a text. */
export interface Part {
  readonly sql: string;
  /** Of its first word. */
  readonly start: number;
}

const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'(?:[^']|'')*'?|"(?:[^"]|"")*"?|`(?:[^`]|``)*`?|\[[^\]]*\]?|;|[A-Za-z_][A-Za-z0-9_$]*|[^\s]/g;

/**
 * Divides a text at its semicolons, as SQLite's own shell does: not in strings, quoted names and comments, and not between the BEGIN and
 * the END of a trigger.
 */
export function splitStatements(text: string): readonly Part[] {
  const parts: Part[] = [];
  let start = -1;
  let words: string[] = [];
  let depth = 0;
  for (const { 0: token, index } of text.matchAll(TOKEN)) {
    if (token.startsWith("--") || token.startsWith("/*")) continue;
    if (token === ";" && depth === 0) {
      if (start !== -1) parts.push({ sql: text.slice(start, index), start });
      start = -1;
      words = [];
      continue;
    }
    if (start === -1) start = index;
    const word = token.toUpperCase();
    if (words.length < 5) words.push(word);
    if (!isTrigger(words)) continue;
    if (word === "BEGIN" || word === "CASE") depth += 1;
    if (word === "END") depth -= 1;
  }
  if (start !== -1 && text.slice(start).trim() !== "") parts.push({ sql: text.slice(start).trimEnd(), start });
  return parts;
}

/** `CREATE TRIGGER`, `CREATE TEMP TRIGGER`. */
function isTrigger([first, second, third]: readonly string[]): boolean {
  return first === "CREATE" && (second === "TRIGGER" || ((second ?? "").startsWith("TEMP") && third === "TRIGGER"));
}
