import type { Node } from "@pgsql/types";
import { listOf, plain, type Plain, walk } from "./tree.ts";

/** What a `DO` block would run. */
export interface Block {
  readonly statements: readonly BlockStatement[];
  /** What of it nobody can look into before it runs, as the end of a sentence. */
  readonly opaque: readonly string[];
}

export interface BlockStatement {
  readonly node: Node;
  readonly sql: string;
  /** Where it stands in the text, in characters. */
  readonly start: number;
  readonly end: number;
}

/** What reading PL/pgSQL takes. Both throw where they can't read. */
export interface BlockParsers {
  /** The first statement. */
  readonly parseOne: (sql: string) => Node | null;
  readonly parseBlock: (statement: string) => unknown;
}

/** Looks into the `DO` from `start` to `end`; null: it is none. */
export function blockOf(
  node: Node,
  text: string,
  { start, end }: { readonly start: number; readonly end: number },
  parsers: BlockParsers,
): Block | null {
  if (!("DoStmt" in node)) return null;
  const { body, language } = partsOf(node.DoStmt.args ?? []);
  if (language !== "plpgsql") return { statements: [], opaque: [`it is written in ${language}`] };
  const from = Math.max(start, text.indexOf(body, start));
  try {
    const found = actsIn(parsers.parseBlock(withoutRowTypes(text.slice(start, end))));
    return readActs(found, placesIn(text, from, end), parsers);
  } catch (error) {
    return { statements: [], opaque: [`it can't be read: ${error instanceof Error ? error.message : String(error)}`] };
  }
}

/** The parser knows no table, and would not find the columns of a variable of that type. */
function withoutRowTypes(statement: string): string {
  return statement.replaceAll(/[\w."$]+%ROWTYPE\b/gi, (type) => "record".padEnd(type.length));
}

function partsOf(args: readonly Node[]): { readonly body: string; readonly language: string } {
  const parts = new Map(
    args.flatMap((each) => {
      if (!("DefElem" in each) || each.DefElem.arg === undefined || !("String" in each.DefElem.arg)) return [];
      return [[each.DefElem.defname, each.DefElem.arg.String.sval ?? ""] as const];
    }),
  );
  return { body: parts.get("as") ?? "", language: parts.get("language")?.toLowerCase() ?? "plpgsql" };
}

/** A statement of PL/pgSQL that does something to the database. */
interface Act {
  readonly kind: "sql" | "text" | "commit" | "rollback";
  /** Of the block, from 1. */
  readonly line: number;
  readonly query: string;
}

const ACTS: Readonly<Record<string, readonly [Act["kind"], string]>> = {
  PLpgSQL_stmt_execsql: ["sql", "sqlstmt"],
  PLpgSQL_stmt_perform: ["sql", "expr"],
  PLpgSQL_stmt_call: ["sql", "expr"],
  PLpgSQL_stmt_fors: ["sql", "query"],
  PLpgSQL_stmt_dynexecute: ["text", "query"],
  PLpgSQL_stmt_dynfors: ["text", "query"],
  PLpgSQL_stmt_commit: ["commit", ""],
  PLpgSQL_stmt_rollback: ["rollback", ""],
};

/** In the order in which they stand. */
function actsIn(parsed: unknown): readonly Act[] {
  const acts: Act[] = [];
  walk(parsed, (key, node) => {
    const known = ACTS[key];
    if (known === undefined) return;
    const [kind, field] = known;
    acts.push({ kind, line: typeof node["lineno"] === "number" ? node["lineno"] : 1, query: queryOf(node[field]) });
  });
  return acts.toSorted((a, b) => a.line - b.line);
}

function queryOf(expression: unknown): string {
  const { query } = plain(plain(expression)?.["PLpgSQL_expr"]) ?? {};
  return typeof query === "string" ? query : "";
}

type Places = (line: number, sql: string) => { readonly start: number; readonly end: number };

function readActs(acts: readonly Act[], places: Places, { parseOne }: BlockParsers): Block {
  const statements: BlockStatement[] = [];
  const opaque: string[] = [];
  for (const { kind, line, query } of acts) {
    const sql = kind === "text" ? constantIn(query, parseOne) : kind === "sql" ? query : kind.toUpperCase();
    const node = sql === null ? null : readOne(sql, parseOne);
    if (sql !== null && node !== null) statements.push({ node, sql, ...places(line, sql) });
    else opaque.push(kind === "text" ? "it puts a text together and executes it" : "a statement of it can't be read");
  }
  return { statements, opaque: [...new Set(opaque)] };
}

function readOne(sql: string, parseOne: BlockParsers["parseOne"]): Node | null {
  try {
    return parseOne(sql);
  } catch {
    return null;
  }
}

/** The text that an expression is, where it is nothing but that; null: it is put together. */
function constantIn(expression: string, parseOne: BlockParsers["parseOne"]): string | null {
  const node = plain(readOne(`SELECT ${expression}`, parseOne));
  const [target, ...others] = listOf(plain(node?.["SelectStmt"])?.["targetList"]);
  const value: Plain | null = plain(plain(plain(target)?.["ResTarget"])?.["val"]);
  const { sval } = plain(plain(value?.["A_Const"])?.["sval"]) ?? {};
  return others.length === 0 && typeof sval === "string" ? sval : null;
}

/** Lines of a block are counted from the one on which it begins; what does not stand there as it is has the place of its line. */
function placesIn(text: string, from: number, end: number): Places {
  const starts = [from];
  for (let at = text.indexOf("\n", from); at !== -1 && at < end; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  let before = from;
  return (line, sql) => {
    const lineStart = starts[line - 1] ?? from;
    const found = text.indexOf(sql, Math.max(before, lineStart));
    if (found === -1 || found >= end) return { start: lineStart, end: lineStart };
    before = found + sql.length;
    return { start: found, end: before };
  };
}
