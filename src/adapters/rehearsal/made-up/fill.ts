import type { Client } from "pg";
import type { MadeUpTable } from "../../../core/rehearsal/rehearsal.ts";
import { identifier } from "../../backup/postgres/quoting.ts";
import { errorOf } from "../../database/postgres/faults.ts";
import { type Table, tablesToFill } from "./tables.ts";
import { type Column, madeUpRows } from "./values.ts";

/** As many as are tried in each table. */
const ROWS = 100;
/** One by one, after so many in a row that the server did not take it will take none. */
const GIVE_UP_AFTER = 10;

/** Rows in every table, as many of them as its types, keys and checks let be made up; those that can't be are told, with what the server said. */
export async function fillTables(client: Client, signal: AbortSignal): Promise<readonly MadeUpTable[]> {
  const tables = await tablesToFill(client);
  const filled: MadeUpTable[] = [];
  for (const table of tables) {
    signal.throwIfAborted();
    const why = await fillTable(client, table, tables);
    const { rows } = await client.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${table.quoted}`);
    const count = rows[0]?.count ?? 0;
    filled.push({ table: table.name, rows: count, ...(count === 0 && why !== null ? { why } : {}) });
  }
  return filled;
}

/** Why it holds none; null: it should hold some. */
async function fillTable(client: Client, table: Table, all: readonly Table[]): Promise<string | null> {
  const wanted = table.columns.filter((column) => !column.isFilled || (column.isUnique && !isSerial(column)));
  const needed = wanted.filter(({ isRequired }) => isRequired);
  let why: string | null = null;
  // A value that nobody needs can be what a check does not like.
  for (const columns of [wanted, needed]) {
    const from = referred(table, columns, all);
    const told = await tried(client, madeUpRows(table.quoted, columns, from, { first: 1, last: ROWS }));
    if (told === null) return null;
    why ??= told;
    let failed = 0;
    for (let row = 1; row <= ROWS && failed < GIVE_UP_AFTER; row += 1)
      failed =
        (await tried(client, madeUpRows(table.quoted, columns, from, { first: row, last: row }))) === null
          ? 0
          : failed + 1;
    if (failed < GIVE_UP_AFTER) return null;
  }
  return why;
}

/** null: it was done. */
async function tried(client: Client, sql: string): Promise<string | null> {
  try {
    await client.query(sql);
    return null;
  } catch (error) {
    return errorOf(error).message;
  }
}

/** Numbers that the server gives are better than ours: the next one must not be taken already. */
function isSerial({ isFilled, type }: Column): boolean {
  return isFilled && /^(?:smallint|integer|bigint|uuid)$/.test(type);
}

/** Values that must be some of another table's: of its row `i`, and of the first again when there are no more. */
function referred(
  { id, references }: Table,
  columns: readonly Column[],
  all: readonly Table[],
): ReadonlyMap<string, string> {
  const from = new Map<string, string>();
  for (const reference of references) {
    const other = all.find((each) => each.id === reference.table);
    for (const { own, other: name } of reference.columns) {
      if (from.has(own)) continue;
      const isRequired = columns.find((each) => each.name === own)?.isRequired === true;
      if (other === undefined || (other.id === id && !isRequired)) from.set(own, "NULL");
      else
        from.set(
          own,
          `(SELECT value FROM (SELECT ${identifier(name)} AS value, row_number() OVER (ORDER BY ctid) AS at, count(*) OVER () AS rows FROM ${other.quoted}) r WHERE at = 1 + (i - 1) % greatest(rows, 1))`,
        );
    }
  }
  return from;
}
