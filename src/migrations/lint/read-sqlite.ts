import type { SqlParser } from "../sql/parser.ts";
import { splitStatements } from "../sql/split-sqlite.ts";
import type { Change } from "./change.ts";
import { changesOf } from "./changes-of.ts";
import type { StatementReader } from "./read-statements.ts";

/**
 * Statements of SQLite. What changes tables is mostly written as in PostgreSQL, whose parser reads it; of the rest is known only where it
 * begins and ends, and nothing is said of it.
 */
export function sqliteReader(parse: SqlParser): StatementReader {
  return (text) => ({
    unread: [],
    statements: splitStatements(text).map(({ sql, start }) => ({
      sql,
      start,
      end: start + sql.length,
      changes: changesIn(sql, parse),
      doneOutside: DONE_OUTSIDE.exec(sql)?.[0].toUpperCase() ?? null,
      inside: [],
      opaque: [],
    })),
  });
}

/** Whether a statement of SQLite begins a transaction, or a part of one. */
export function begins(sql: string): boolean {
  return /^(?:begin|savepoint)\b/i.test(sql);
}

/** Whether it ends one. */
export function ends(sql: string): boolean {
  return /^(?:commit|end|rollback|release)\b/i.test(sql);
}

function changesIn(sql: string, parse: SqlParser): readonly Change[] {
  if (begins(sql)) return [{ kind: "begin" }];
  if (ends(sql)) return [{ kind: "end" }];
  const { statements, unread } = parse(sql);
  return unread.length > 0 ? [] : statements.flatMap(({ node }) => changesOf(node));
}

const DONE_OUTSIDE = /^(?:vacuum|pragma\s+synchronous(?=\s*[=(]))/i;
