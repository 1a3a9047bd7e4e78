import type { Node, RangeVar } from "@pgsql/types";
import type { Client } from "pg";
import { watchForSameRows } from "../same-rows.ts";
import type { ReadStatement } from "./read-migrations.ts";
import type { Session } from "./session.ts";

/** Says of a backfill whether it finds the same rows again; see same-rows. */
export async function watchBatches(
  { work }: Pick<Session, "work">,
  statement: ReadStatement | undefined,
): Promise<(sum: number) => Promise<string | null>> {
  const relation = statement === undefined ? undefined : changedBy(statement.node);
  const none = (): Promise<null> => Promise.resolve(null);
  if (relation === undefined) return none;
  const name = [relation.schemaname, relation.relname]
    .flatMap((part) => (part === undefined ? [] : [`"${part.replaceAll('"', '""')}"`]))
    .join(".");
  const before = await known(work, name);
  if (before === null) return none;
  return watchForSameRows(before.supposed, async () => {
    // Who may not read the table can't count it.
    const counted = await work.query<{ n: string }>(`SELECT count(*) AS n FROM ${name}`).catch(() => null);
    const now = await known(work, name);
    const [row] = counted?.rows ?? [];
    return row === undefined || now === null ? null : { there: Number(row.n), gone: now.deleted - before.deleted };
  });
}

/** A DELETE finds none of its rows again, and has fewer of them left each time. */
function changedBy(node: Node): RangeVar | undefined {
  if ("UpdateStmt" in node) return node.UpdateStmt.relation;
  if ("InsertStmt" in node) return node.InsertStmt.relation;
  return "MergeStmt" in node ? node.MergeStmt.relation : undefined;
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
