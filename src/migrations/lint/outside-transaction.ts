import type { Node } from "@pgsql/types";
import { hasOption, textsOf } from "./names.ts";

/**
 * What PostgreSQL does in no transaction, in a word or two; null: it does the statement in one. What is done CONCURRENTLY is a matter of its
 * own.
 */
export function doneOutside(node: Node): string | null {
  if ("VacuumStmt" in node) return node.VacuumStmt.is_vacuumcmd === true ? "VACUUM" : null;
  if ("ClusterStmt" in node) return node.ClusterStmt.relation === undefined ? "CLUSTER of all tables" : null;
  if ("ReindexStmt" in node) {
    const { kind = "", params = [] } = node.ReindexStmt;
    return hasOption(params, "concurrently") ? null : (REINDEXED[kind] ?? null);
  }
  if ("CreatedbStmt" in node) return "CREATE DATABASE";
  if ("DropdbStmt" in node) return "DROP DATABASE";
  if ("AlterDatabaseStmt" in node) {
    const isMoved = (node.AlterDatabaseStmt.options ?? []).some(
      (each) => "DefElem" in each && each.DefElem.defname === "tablespace",
    );
    return isMoved ? "ALTER DATABASE … SET TABLESPACE" : null;
  }
  if ("CreateTableSpaceStmt" in node) return "CREATE TABLESPACE";
  if ("DropTableSpaceStmt" in node) return "DROP TABLESPACE";
  if ("AlterSystemStmt" in node) return "ALTER SYSTEM";
  if ("DiscardStmt" in node) return node.DiscardStmt.target === "DISCARD_ALL" ? "DISCARD ALL" : null;
  if ("CreateSubscriptionStmt" in node)
    return isWithoutSlot(node.CreateSubscriptionStmt.options ?? []) ? null : "CREATE SUBSCRIPTION";
  if ("TransactionStmt" in node) return PREPARED[node.TransactionStmt.kind ?? ""] ?? null;
  return null;
}

const REINDEXED: Readonly<Record<string, string>> = {
  REINDEX_OBJECT_SCHEMA: "REINDEX SCHEMA",
  REINDEX_OBJECT_SYSTEM: "REINDEX SYSTEM",
  REINDEX_OBJECT_DATABASE: "REINDEX DATABASE",
};

const PREPARED: Readonly<Record<string, string>> = {
  TRANS_STMT_COMMIT_PREPARED: "COMMIT PREPARED",
  TRANS_STMT_ROLLBACK_PREPARED: "ROLLBACK PREPARED",
};

/** Nothing is made on the other server, which could not be taken back. */
function isWithoutSlot(options: readonly Node[]): boolean {
  return options.some((each) => {
    if (!("DefElem" in each) || !["create_slot", "connect"].includes(each.DefElem.defname ?? "")) return false;
    const { arg } = each.DefElem;
    return arg !== undefined && textsOf(arg).some((text) => /^(?:false|off|0)$/i.test(text));
  });
}
