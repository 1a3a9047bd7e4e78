import type { MergeStmt, MergeWhenClause, Node, WithClause } from "@pgsql/types";
import { listOf, type Plain, plain, walk } from "../sql/tree.ts";
import type { ChangeOf } from "./change.ts";
import { tableName, textsOf } from "./names.ts";

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
  if ("MergeStmt" in node) {
    const table = tableName(node.MergeStmt.relation);
    const isWhole = deletesAll(node.MergeStmt);
    return { kind: "write-rows", by: isWhole ? "DELETE" : "MERGE", table, isWhole };
  }
  return null;
}

/** Whether a WHERE asks anything of a row: `WHERE true` and `WHERE id = id` do not. */
function leavesOut(where: unknown): boolean {
  if (Array.isArray(where)) return where.some(leavesOut);
  const node = plain(where);
  if (node === null || isWithItself(plain(node["A_Expr"]))) return false;
  return "ColumnRef" in node || "CurrentOfExpr" in node || Object.values(node).some(leavesOut);
}

/** `id = id`. */
function isWithItself(expression: Plain | null): boolean {
  if (expression?.["kind"] !== "AEXPR_OP" || operatorOf(expression) !== "=") return false;
  const [left, right] = [expression["lexpr"], expression["rexpr"]].map((side) => plain(plain(side)?.["ColumnRef"]));
  if (left === null || left === undefined || right === null || right === undefined) return false;
  return JSON.stringify(left["fields"]) === JSON.stringify(right["fields"]);
}

function operatorOf({ name }: Plain): string | undefined {
  return (listOf(name) as readonly Node[]).flatMap(textsOf).at(-1);
}

/** Whether a MERGE asks nothing of a row and does nothing with those that are there but delete them. */
function deletesAll({ joinCondition, mergeWhenClauses = [] }: MergeStmt): boolean {
  const ofRows = mergeWhenClauses
    .flatMap((each): readonly MergeWhenClause[] => ("MergeWhenClause" in each ? [each.MergeWhenClause] : []))
    .filter(({ matchKind }) => matchKind !== "MERGE_WHEN_NOT_MATCHED_BY_TARGET");
  const isDelete = ({ commandType }: MergeWhenClause): boolean => commandType === "CMD_DELETE";
  return !leavesOut(joinCondition) && ofRows.every(isDelete) && ofRows.some(({ condition }) => !leavesOut(condition));
}

/** Whether a SELECT says which rows: by a WHERE, or by those that are there already. */
function picks(select: Node | WithClause | undefined): boolean {
  if (select === undefined || ("SelectStmt" in select && select.SelectStmt.valuesLists !== undefined)) return false;
  let does = false;
  walk(select, (_, { whereClause, havingClause, op }) => {
    const asks = [whereClause, havingClause].some((each) => plain(each) !== null && leavesOut(each));
    does ||= op === "SETOP_EXCEPT" || asks;
  });
  return does;
}
