import type { Node, RangeVar } from "@pgsql/types";
import { type Client, escapeIdentifier } from "pg";
import { walk } from "../../../migrations/sql/tree.ts";
import { joined, type Rows, watchForSameRows } from "../same-rows.ts";
import type { ReadStatement } from "./read-migrations.ts";
import type { Session } from "./session.ts";

/** Says of a backfill whether it finds the same rows again; see same-rows. */
export async function watchBatches(
  { work }: Pick<Session, "work">,
  statement: ReadStatement | undefined,
): Promise<(sum: number) => Promise<string | null>> {
  const isAdding = statement !== undefined && "InsertStmt" in statement.node;
  const names = statement === undefined ? [] : tablesOf(statement.node).map(quotedName);
  const before = await oneByOne(names, (name) => known(work, name));
  if (names.length === 0 || before.includes(null)) return () => Promise.resolve(null);
  const supposed = before.map((each) => each?.supposed ?? 0);
  if (isAdding) return watchForSameRows(joined(supposed), () => mostJoined(work, names), ADDED);
  return watchForSameRows(joined(supposed), async () => {
    const [name = ""] = names;
    const there = await counted(work, name);
    const now = await known(work, name);
    return there === null || now === null ? null : { there, gone: now.deleted - (before[0]?.deleted ?? 0) };
  });
}

const ADDED = (sum: number, most: number): string =>
  `it added or changed ${sum} rows, and what it reads makes ${most} at most`;

/** As many rows as come of tables that are joined without a condition. */
async function mostJoined(work: Client, names: readonly string[]): Promise<Rows | null> {
  const all = await oneByOne(names, (name) => counted(work, name));
  return all.includes(null) ? null : { there: joined(all.map((each) => each ?? 0)), gone: 0 };
}

/** A connection answers one question at a time. */
async function oneByOne<T>(names: readonly string[], ask: (name: string) => Promise<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for (const name of names) all.push(await ask(name));
  return all;
}

/** null: who may not read the table can't count it. */
async function counted(work: Client, name: string): Promise<number | null> {
  const found = await work.query<{ n: string }>(`SELECT count(*) AS n FROM ${name}`).catch(() => null);
  const [row] = found?.rows ?? [];
  return row === undefined ? null : Number(row.n);
}

export function quotedName({ schemaname, relname }: RangeVar): string {
  return [schemaname, relname].flatMap((part) => (part === undefined ? [] : [escapeIdentifier(part)])).join(".");
}

/**
 * The table of which an UPDATE changes rows, or those of which an INSERT makes them; none where nobody can say how many there may be. A
 * DELETE finds none of its rows again, and has fewer of them left each time.
 */
function tablesOf(node: Node): readonly RangeVar[] {
  if ("UpdateStmt" in node) return node.UpdateStmt.relation === undefined ? [] : [node.UpdateStmt.relation];
  if ("MergeStmt" in node) return node.MergeStmt.relation === undefined ? [] : [node.MergeStmt.relation];
  return "InsertStmt" in node ? readBy(node.InsertStmt.selectStmt) : [];
}

/** Functions may make any number of rows of one. */
function readBy(select: Node | undefined): readonly RangeVar[] {
  const tables: RangeVar[] = [];
  let isOpen = false;
  walk(select, (key, each) => {
    if (key === "RangeVar") tables.push(each);
    isOpen ||= ["RangeFunction", "FuncCall", "WithClause", "withClause", "valuesLists"].includes(key);
  });
  return isOpen ? [] : tables;
}

async function known(
  client: Client,
  name: string,
): Promise<{ readonly supposed: number; readonly deleted: number } | null> {
  const { rows } = await client.query<{ supposed: string; deleted: string }>(
    `SELECT greatest(c.reltuples, 0)::bigint AS supposed, coalesce(s.n_tup_del, 0) AS deleted
     FROM pg_class c LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid WHERE c.oid = to_regclass($1)`,
    [name],
  );
  const [row] = rows;
  return row === undefined ? null : { supposed: Number(row.supposed), deleted: Number(row.deleted) };
}
