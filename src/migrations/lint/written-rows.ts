import type { Node, WithClause } from "@pgsql/types";
import { plain, walk } from "../sql/tree.ts";
import type { ChangeOf } from "./change.ts";
import { tableName } from "./names.ts";

/** The table whose rows a statement writes, and whether it leaves any out; null: it writes none. */
export function rowsWrittenBy(node: Node): ChangeOf<"write-rows"> | null {
  if ("UpdateStmt" in node) {
    const { relation, whereClause } = node.UpdateStmt;
    return { kind: "write-rows", by: "UPDATE", table: tableName(relation), isWhole: !leavesOut(whereClause) };
  }
  if ("DeleteStmt" in node) {
    const { relation, whereClause } = node.DeleteStmt;
    return { kind: "write-rows", by: "DELETE", table: tableName(relation), isWhole: !leavesOut(whereClause) };
  }
  if ("InsertStmt" in node) {
    const { relation, selectStmt, withClause, onConflictClause } = node.InsertStmt;
    const isWhole = onConflictClause === undefined && !picks(selectStmt) && !picks(withClause);
    return { kind: "write-rows", by: "INSERT", table: tableName(relation), isWhole };
  }
  if ("MergeStmt" in node)
    return { kind: "write-rows", by: "MERGE", table: tableName(node.MergeStmt.relation), isWhole: false };
  return null;
}

/** Whether a WHERE asks anything of a row: `WHERE true` does not. */
function leavesOut(where: Node | undefined): boolean {
  let asks = false;
  walk(where, (key) => {
    asks ||= key === "ColumnRef" || key === "CurrentOfExpr";
  });
  return asks;
}

/** Whether a SELECT says which rows: by a WHERE, or by those that are there already. */
function picks(select: Node | WithClause | undefined): boolean {
  if (select === undefined || ("SelectStmt" in select && select.SelectStmt.valuesLists !== undefined)) return false;
  let does = false;
  walk(select, (_, { whereClause, havingClause, op }) => {
    const asks = [whereClause, havingClause].some((each) => plain(each) !== null && leavesOut(each as Node));
    does ||= op === "SETOP_EXCEPT" || asks;
  });
  return does;
}
