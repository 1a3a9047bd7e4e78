import type { DatabaseSync } from "node:sqlite";
import type { Loss } from "../loss.ts";
import type { Script, Statement } from "../migration-file.ts";
import { hasTable } from "./ledger.ts";
import { nameIn } from "./read-migrations.ts";

const DROPS_TABLE = /^drop\s+table\s+(?:if\s+exists\s+)?/i;
const ALTERS_TABLE = /^alter\s+table\s+/i;
const DROPS_COLUMN = /\bdrop\s+(?:column\s+)?/i;
const ADDS_COLUMN = /\badd\s+(?:column\s+)?/i;
const MAKES_TABLE = /^create\s+(?:temp(?:orary)?\s+)?table\s+(?:if\s+not\s+exists\s+)?/i;

/** What a way back would lose now, by looking at the rows. Empty: nothing, provably. */
export function lossesOf(database: DatabaseSync, up: Script, down: Script): readonly Loss[] {
  const forward = statementsOf(up);
  const dropped = new Set(statementsOf(down).flatMap(({ sql }) => nameIn(sql, DROPS_TABLE)));
  return statementsOf(down).flatMap((statement) => {
    const what = lossBy(database, statement, forward, dropped);
    return what === null ? [] : [{ line: statement.line, what }];
  });
}

function statementsOf({ units }: Script): readonly Statement[] {
  return units.flatMap(({ statements }) => statements);
}

function lossBy(
  database: DatabaseSync,
  { sql }: Statement,
  forward: readonly Statement[],
  dropped: ReadonlySet<string>,
): string | null {
  const [table] = nameIn(sql, DROPS_TABLE);
  if (table !== undefined) {
    if (!hasTable(database, table)) return null;
    const rows = count(database, `SELECT count(*) AS n FROM ${quoted(table)}`);
    const isMade = forward.some((each) => nameIn(each.sql, MAKES_TABLE)[0] === table);
    if (rows === 0 && isMade) return null;
    return `drops table ${table} with ${rowsIn(rows)}${isMade ? "" : ", which its way forward has not made"}`;
  }
  const [altered] = nameIn(sql, ALTERS_TABLE);
  if (altered !== undefined && DROPS_COLUMN.test(sql)) {
    if (dropped.has(altered)) return null;
    return lossOfColumn(database, altered, nameIn(sql, DROPS_COLUMN)[0] ?? "", forward);
  }
  if (HARMLESS.test(sql)) return null;
  return `runs ${(/^\w+/.exec(sql)?.[0] ?? "a statement").toUpperCase()}, which may change rows`;
}

/** What has made it can make it again; a new name keeps what is in it; SELECT calls only what SQLite brings itself. */
const HARMLESS =
  /^(?:select\b|create\b|pragma\b|vacuum\b|analyze\b|reindex\b|drop\s+(?:index|view|trigger)\b|alter\s+table\s+.*\b(?:add|rename)\b)/is;

function lossOfColumn(
  database: DatabaseSync,
  table: string,
  column: string,
  forward: readonly Statement[],
): string | null {
  const known = database
    .prepare("SELECT dflt_value AS value FROM pragma_table_xinfo(?) WHERE name = ?")
    .get(table, column);
  if (known === undefined) return null;
  const isMade = forward.some(
    ({ sql }) =>
      nameIn(sql, MAKES_TABLE)[0] === table ||
      (nameIn(sql, ALTERS_TABLE)[0] === table && nameIn(sql, ADDS_COLUMN)[0] === column),
  );
  const name = `${table}.${column}`;
  if (!isMade) return `drops column ${name}, which its way forward has not made`;
  const value = String(known["value"] ?? "NULL");
  const isConstant = /^(?:-?[\d.]+|'(?:[^']|'')*'|null|true|false)$/i.test(value);
  const differs = `${quoted(column)} IS NOT NULL${isConstant ? ` AND ${quoted(column)} IS NOT ${value}` : ""}`;
  const written = count(database, `SELECT count(*) AS n FROM ${quoted(table)} WHERE ${differs}`);
  const all = count(database, `SELECT count(*) AS n FROM ${quoted(table)}`);
  return written === 0 ? null : `drops column ${name}, which ${written} of ${rowsIn(all)} have a value in`;
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function rowsIn(rows: number): string {
  return rows === 1 ? "1 row" : `${rows} rows`;
}

function count(database: DatabaseSync, sql: string): number {
  return Number(database.prepare(sql).get()?.["n"] ?? 0);
}
