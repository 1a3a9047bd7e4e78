import type { Client } from "pg";
import type { DeletedRows } from "../../../core/migration/deleted-rows.ts";
import type { Change } from "../../../migrations/lint/change.ts";
import type { Unit } from "../migration-file.ts";
import { bareName, keyOfName } from "../../../migrations/sql/object-name.ts";
import { quotedName } from "./counted-rows.ts";
import { emptiedSince, filesOfTables } from "./emptied-tables.ts";
import type { ReadStatement } from "./read-migrations.ts";

/** By table as PostgreSQL writes its name: how many of its rows were deleted; infinite: every one, and nobody counted them. */
export type Deleted = ReadonlyMap<string, number>;

/**
 * Begins to count how many rows of each table the transaction that is open deletes, whatever does it: a function, a MERGE, a foreign key that
 * cascades, a TRUNCATE. Source: PostgreSQL's own count, pg_stat_xact_user_tables, which also has what its session did before; it does not count
 * what a TRUNCATE takes. Not asked where all statements only change the schema.
 */
export async function countDeleted(
  work: Client,
  { statements, batch }: Pick<Unit<ReadStatement>, "statements" | "batch">,
): Promise<() => Promise<Deleted>> {
  const mayDelete = statements.some(
    ({ changes, inside }) => inside.length > 0 || changes.some(({ kind }) => DELETING.has(kind)),
  );
  if (!mayDelete) return () => Promise.resolve(new Map());
  const before = await soFar(work);
  // A batch is repeated, perhaps thousands of times, and empties nothing.
  const files = batch === null ? await filesOfTables(work) : new Map<string, string>();
  return async () => {
    const now = await soFar(work);
    const rewritten = new Set(statements.flatMap(({ changes }) => changes.flatMap(rewrittenBy)));
    const emptied = (await emptiedSince(work, files)).filter((name) => !rewritten.has(keyOf(name)));
    return new Map([
      ...[...now].flatMap(([name, rows]): readonly [string, number][] =>
        rows > (before.get(name) ?? 0) ? [[name, rows - (before.get(name) ?? 0)]] : [],
      ),
      ...emptied.map((name): [string, number] => [name, Number.POSITIVE_INFINITY]),
    ]);
  };
}

const DELETING: ReadonlySet<Change["kind"]> = new Set(["write-rows", "truncate", "none", "other"]);

/** A table that the file itself has written anew may have had no row before either. */
function rewrittenBy(change: Change): readonly string[] {
  if (change.kind === "truncate" || !("table" in change) || change.table === null) return [];
  return change.kind === "write-rows" || change.kind === "create-index" ? [] : [keyOfName(change.table)];
}

async function soFar(work: Client): Promise<Deleted> {
  const { rows } = await work.query<{ name: string; rows: string }>(
    "SELECT relid::regclass::text AS name, n_tup_del AS rows FROM pg_stat_xact_user_tables WHERE n_tup_del > 0 AND schemaname NOT LIKE 'pg\\_%'",
  );
  return new Map(rows.map((each) => [each.name, Number(each.rows)]));
}

/** What batches of a DELETE deleted before they were cut off. */
export async function deletedBefore(
  work: Client,
  statement: ReadStatement | undefined,
  rows: number,
): Promise<Deleted> {
  if (rows === 0 || statement === undefined || !("DeleteStmt" in statement.node)) return new Map();
  const { relation } = statement.node.DeleteStmt;
  if (relation === undefined) return new Map();
  const name = quotedName(relation);
  const found = await work.query<{ name: string | null }>("SELECT to_regclass($1)::text AS name", [name]);
  return new Map([[found.rows[0]?.name ?? name, rows]]);
}

/** As a part of an answer, without the tables that the file has made itself. `isAtLeast`: it went on in the middle. */
export function deletedBy(
  deleted: Deleted,
  statements: readonly ReadStatement[],
  isAtLeast: boolean,
): { readonly deleted?: readonly DeletedRows[] } {
  const made = new Set(
    statements.flatMap(({ changes }) =>
      changes.flatMap((change) => (change.kind === "create-table" ? [keyOfName(change.table)] : [])),
    ),
  );
  const others = [...deleted].flatMap(([name, rows]): readonly DeletedRows[] => {
    const table = name.replaceAll('"', "");
    if (made.has(keyOfName(table)) || made.has(keyOf(name))) return [];
    return [{ table, rows: Number.isFinite(rows) ? rows : null, ...(isAtLeast ? { isAtLeast } : {}) }];
  });
  return others.length === 0 ? {} : { deleted: others };
}

function keyOf(name: string): string {
  return keyOfName(bareName(name.replaceAll('"', "")));
}
