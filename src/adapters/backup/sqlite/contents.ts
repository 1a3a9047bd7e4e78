import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { setImmediate as breath } from "node:timers/promises";
import type { Contents, TableContents } from "../../../core/backup/contents.ts";

/** After so many rows others of this process get their turn: an engine has a lease to renew. */
const ROWS_AT_ONCE = 2_000;
const MASK = (1n << 64n) - 1n;

const TABLES = `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'shadow') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY 1`;
const OBJECTS =
  "SELECT type, count(*) AS count FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\' GROUP BY 1";

/** Reads every row of every table, in the transaction that the database is in: a sum of the rows' hashes, in whichever order they lie. */
export async function contentsOf(database: DatabaseSync, signal: AbortSignal): Promise<Contents> {
  const tables: TableContents[] = [];
  for (const { name } of database.prepare(TABLES).all() as { name: string }[])
    tables.push({ name, ...(await sumOf(database, name, signal)) });
  const objects = database.prepare(OBJECTS).all() as { type: string; count: number }[];
  return { tables, objects: Object.fromEntries(objects.map(({ type, count }) => [KINDS[type] ?? type, count])) };
}

const KINDS: Readonly<Record<string, string>> = {
  table: "tables",
  index: "indexes",
  view: "views",
  trigger: "triggers",
};

async function sumOf(database: DatabaseSync, table: string, signal: AbortSignal): Promise<Omit<TableContents, "name">> {
  const columns = database.prepare("SELECT name FROM pragma_table_info(?)").all(table) as { name: string }[];
  // As SQL has it, a number, a text and nothing at all are told apart, and no digit is lost.
  const row = columns.map(({ name }) => `quote(${identifier(name)})`).join(` || ',' || `);
  let rows = 0;
  let sum = 0n;
  for (const each of database.prepare(`SELECT ${row} AS the_row FROM ${identifier(table)}`).iterate()) {
    const digest = createHash("md5").update(String(each["the_row"])).digest();
    sum = (sum + digest.readBigUInt64LE()) & MASK;
    rows += 1;
    if (rows % ROWS_AT_ONCE !== 0) continue;
    await breath();
    signal.throwIfAborted();
  }
  return { rows, checksum: sum.toString() };
}

function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
