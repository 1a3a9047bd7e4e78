import type { Node, ParseResult, RawStmt } from "@pgsql/types";
import { leading } from "./leading.ts";
import { type Block, blockOf, type BlockParsers } from "./do-block.ts";

/** One statement of a text, as PostgreSQL itself reads it. */
export interface ParsedStatement {
  readonly node: Node;
  /** Where its first word stands in the text, in characters. */
  readonly start: number;
  /** Behind its last character, without the semicolon. */
  readonly end: number;
  /** Of a `DO`: what it would run. */
  readonly block?: Block;
}

/** A statement that PostgreSQL can't read, and what it says of it. */
export interface UnreadStatement {
  readonly message: string;
  readonly start: number;
  readonly end: number;
  /** Where in the text it no longer understood. */
  readonly at: number;
}

export interface Parsed {
  readonly statements: readonly ParsedStatement[];
  readonly unread: readonly UnreadStatement[];
}

export type SqlParser = (text: string) => Parsed;

interface PostgresParser {
  parse(text: string): ParseResult;
  readonly blocks: BlockParsers;
  /** Places of semicolons, in characters; null: there is no telling. */
  semicolons(text: string): readonly number[] | null;
  faultOf(error: unknown): { readonly message: string; readonly at: number } | null;
}

/** PostgreSQL's own parser. Loading it takes a few hundredths of a second, so only who needs it does. */
export async function loadParser(): Promise<SqlParser> {
  const { hasSqlDetails, loadModule, parsePlPgSQLSync, parseSync, scanSync } = await import("libpg-query");
  await loadModule();
  const postgres: PostgresParser = {
    parse: parseSync,
    blocks: { parseOne: (sql) => parseSync(sql).stmts?.[0]?.stmt ?? null, parseBlock: parsePlPgSQLSync },
    semicolons: (text) => {
      try {
        const character = characterCounter(text);
        return scanSync(text)
          .tokens.filter((token) => token.text === ";")
          .map(({ start }) => character(start));
      } catch {
        return null;
      }
    },
    faultOf: (error) =>
      hasSqlDetails(error)
        ? { message: error.sqlDetails?.message ?? error.message, at: error.sqlDetails?.cursorPosition ?? 0 }
        : null,
  };
  return (text) => readWhole(text, postgres);
}

function readWhole(text: string, postgres: PostgresParser): Parsed {
  if (text.trim() === "") return { statements: [], unread: [] };
  try {
    return { statements: statementsOf(text, postgres, 0), unread: [] };
  } catch (error) {
    if (postgres.faultOf(error) === null) throw error;
    return readOneByOne(text, postgres);
  }
}

/** One statement that can't be read must not hide the others. */
function readOneByOne(text: string, postgres: PostgresParser): Parsed {
  const statements: ParsedStatement[] = [];
  const unread: UnreadStatement[] = [];
  let from = 0;
  for (const end of [...(postgres.semicolons(text) ?? []), text.length]) {
    const part = text.slice(from, end);
    if (part.trim() === "") {
      from = end + 1;
      continue;
    }
    try {
      statements.push(...statementsOf(part, postgres, from));
    } catch (error) {
      const fault = postgres.faultOf(error);
      if (fault === null) throw error;
      const start = from + leading(part);
      unread.push({ message: fault.message, start, end: from + part.trimEnd().length, at: from + fault.at });
    }
    from = end + 1;
  }
  return { statements, unread };
}

function statementsOf(text: string, postgres: PostgresParser, offset: number): readonly ParsedStatement[] {
  const { stmts = [] } = postgres.parse(text);
  const character = characterCounter(text);
  return stmts.flatMap(({ stmt, stmt_location = 0, stmt_len = 0 }: RawStmt): readonly ParsedStatement[] => {
    if (stmt === undefined) return [];
    const begin = character(stmt_location);
    const end = stmt_len === 0 ? text.trimEnd().length : character(stmt_location + stmt_len);
    const start = begin + leading(text.slice(begin, end));
    const block = blockOf(stmt, text, { start, end }, postgres.blocks);
    return [
      {
        node: stmt,
        start: offset + start,
        end: offset + end,
        ...(block === null ? {} : { block: moved(block, offset) }),
      },
    ];
  });
}

function moved({ statements, opaque }: Block, by: number): Block {
  return { opaque, statements: statements.map((each) => ({ ...each, start: each.start + by, end: each.end + by })) };
}

/** The parser counts bytes of UTF-8. Places are asked for in their order. */
function characterCounter(text: string): (byte: number) => number {
  const encoded = Buffer.from(text);
  if (encoded.length === text.length) return (byte) => byte;
  let bytes = 0;
  let characters = 0;
  return (byte) => {
    characters += encoded.subarray(bytes, byte).toString().length;
    bytes = byte;
    return characters;
  };
}
