import type { Node } from "@pgsql/types";
import type { ReadStatement } from "./read-migrations.ts";
import type { Session } from "./session.ts";

/** What a statement was found to have done that a run before had begun; `finish`: it is half done, and this does the rest. */
type Stands = "done" | "unknown" | { readonly finish: string };

export async function howItStands(session: Session, { node, sql }: ReadStatement): Promise<Stands> {
  if ("IndexStmt" in node) {
    const { idxname = "" } = node.IndexStmt;
    const found = await indexesOf(session, tableIn(node.IndexStmt.relation), idxname);
    return found.some(({ isValid }) => isValid) ? "done" : "unknown";
  }
  if ("DropStmt" in node) {
    const name = /\bconcurrently\s+(?:if\s+exists\s+)?([^;]+)$/i.exec(sql)?.[1]?.trim() ?? "";
    const { rows } = await session.guard.query<{ gone: boolean }>("SELECT to_regclass($1) IS NULL AS gone", [name]);
    return rows[0]?.gone === true ? "done" : "unknown";
  }
  const detached = detachedIn(node);
  return detached === null ? "unknown" : await howDetachStands(session, detached);
}

/** An index that a failed CREATE INDEX CONCURRENTLY has left is kept up to date for nothing, and in the way of the next try. */
export async function clearLeftovers(session: Session, { node, changes }: ReadStatement): Promise<void> {
  const isConcurrent = changes.some((change) => "isConcurrent" in change && change.isConcurrent);
  if (!isConcurrent) return;
  const left =
    "IndexStmt" in node
      ? await indexesOf(session, tableIn(node.IndexStmt.relation), node.IndexStmt.idxname ?? "")
      : "ReindexStmt" in node
        ? await indexesOf(session, tableIn(node.ReindexStmt.relation), null)
        : [];
  for (const { name, isValid } of left)
    if (!isValid) await session.work.query(`DROP INDEX CONCURRENTLY IF EXISTS ${name}`);
}

/** The indexes of a table with a name; null: those that REINDEX CONCURRENTLY makes on its way. Of the table, or of the index. */
async function indexesOf(
  { guard }: Session,
  table: string,
  name: string | null,
): Promise<readonly { readonly name: string; readonly isValid: boolean }[]> {
  const { rows } = await guard.query<{ name: string; isValid: boolean }>(
    `SELECT i.indexrelid::regclass::text AS name, i.indisvalid AS "isValid"
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE i.indrelid = coalesce((SELECT indrelid FROM pg_index WHERE indexrelid = to_regclass($1)), to_regclass($1))
       AND CASE WHEN $2::text IS NULL THEN c.relname ~ '_cc(new|old)[0-9]*$' ELSE c.relname = $2 END`,
    [table, name],
  );
  return rows;
}

interface Detached {
  readonly parent: string;
  readonly partition: string;
}

function detachedIn(node: Node): Detached | null {
  if (!("AlterTableStmt" in node)) return null;
  for (const each of node.AlterTableStmt.cmds ?? []) {
    if (!("AlterTableCmd" in each) || each.AlterTableCmd.subtype !== "AT_DetachPartition") continue;
    const { def } = each.AlterTableCmd;
    if (def === undefined || !("PartitionCmd" in def)) continue;
    return { parent: tableIn(node.AlterTableStmt.relation), partition: tableIn(def.PartitionCmd.name) };
  }
  return null;
}

async function howDetachStands({ guard }: Session, { parent, partition }: Detached): Promise<Stands> {
  const { rows } = await guard.query<{ pending: boolean }>(
    "SELECT inhdetachpending AS pending FROM pg_inherits WHERE inhparent = to_regclass($1) AND inhrelid = to_regclass($2)",
    [parent, partition],
  );
  const [row] = rows;
  if (row === undefined) return "done";
  return row.pending ? { finish: `ALTER TABLE ${parent} DETACH PARTITION ${partition} FINALIZE` } : "unknown";
}

function tableIn(relation: { readonly schemaname?: string; readonly relname?: string } | undefined): string {
  return [relation?.schemaname, relation?.relname]
    .filter((part) => part !== undefined)
    .map((part) => `"${part.replaceAll('"', '""')}"`)
    .join(".");
}
