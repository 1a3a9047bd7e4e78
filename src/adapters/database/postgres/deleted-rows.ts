import type { Client } from "pg";
import type { DeletedRows } from "../../../core/migration/deleted-rows.ts";
import { bareName, keyOfName } from "../../../migrations/sql/object-name.ts";
import type { ReadStatement } from "./read-migrations.ts";

/**
 * Begins to count how many rows of each table the transaction that is open deletes, whatever does it: a function, a MERGE, a foreign key that
 * cascades. Source: PostgreSQL's own count, pg_stat_xact_user_tables, which also has what its session did before. Not asked where all
 * statements only change the schema.
 */
export async function countDeleted(
  work: Client,
  statements: readonly ReadStatement[],
): Promise<() => Promise<ReadonlyMap<string, number>>> {
  const mayDelete = statements.some(
    ({ changes, inside }) =>
      inside.length > 0 || changes.some(({ kind }) => kind === "write-rows" || kind === "none" || kind === "other"),
  );
  if (!mayDelete) return () => Promise.resolve(new Map());
  const before = await soFar(work);
  return async () => {
    const now = await soFar(work);
    return new Map(
      [...now].flatMap(([name, rows]) =>
        rows > (before.get(name) ?? 0) ? [[name, rows - (before.get(name) ?? 0)]] : [],
      ),
    );
  };
}

async function soFar(work: Client): Promise<ReadonlyMap<string, number>> {
  const { rows } = await work.query<{ name: string; rows: string }>(
    "SELECT relid::regclass::text AS name, n_tup_del AS rows FROM pg_stat_xact_user_tables WHERE n_tup_del > 0 AND schemaname NOT LIKE 'pg\\_%'",
  );
  return new Map(rows.map((each) => [each.name, Number(each.rows)]));
}

/** As a part of an answer, without the tables that the file has made itself. */
export function deletedBy(
  deleted: ReadonlyMap<string, number>,
  statements: readonly ReadStatement[],
): { readonly deleted?: readonly DeletedRows[] } {
  const made = new Set(
    statements.flatMap(({ changes }) =>
      changes.flatMap((change) => (change.kind === "create-table" ? [keyOfName(change.table)] : [])),
    ),
  );
  const others = [...deleted].flatMap(([name, rows]) => {
    const table = name.replaceAll('"', "");
    return made.has(keyOfName(table)) || made.has(keyOfName(bareName(table))) ? [] : [{ table, rows }];
  });
  return others.length === 0 ? {} : { deleted: others };
}
