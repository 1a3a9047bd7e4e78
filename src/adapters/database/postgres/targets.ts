import type { Node } from "@pgsql/types";
import { textsOf } from "../../../migrations/lint/names.ts";
import type { ReadStatement } from "./read-migrations.ts";

/** A table, or an index of one, for which a statement needs a lock that others' locks stand in the way of. */
export interface Target {
  /** As it is written, quoted: for to_regclass. */
  readonly name: string;
  /** Who reads it is in the way too. */
  readonly everybody: boolean;
}

/** What a statement locks in a way that others feel. Those that lock nothing for long (CONCURRENTLY) have none. */
export function targetsOf({ node, changes }: ReadStatement): readonly Target[] {
  if (changes.some((change) => "isConcurrent" in change && change.isConcurrent)) return [];
  if ("AlterTableStmt" in node) {
    const everybody = changes.some(({ kind }) => kind !== "validate-constraint") && !isForeignKeyAlone(node);
    if (changes.length > 0 && changes.every(({ kind }) => kind === "validate-constraint")) return [];
    const [own = [], ...others] = rangesIn(node);
    return [...named([own], everybody), ...named(others, false)];
  }
  if ("DropStmt" in node) {
    const { removeType, objects = [] } = node.DropStmt;
    const isPart = ["OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"].includes(removeType ?? "");
    if (!isPart && !["OBJECT_TABLE", "OBJECT_INDEX", "OBJECT_VIEW", "OBJECT_MATVIEW"].includes(removeType ?? ""))
      return [];
    return named(
      objects.map(textsOf).map((parts) => (isPart ? parts.slice(0, -1) : parts)),
      true,
    );
  }
  if ("IndexStmt" in node || "CreateTrigStmt" in node || "CreateStmt" in node) return named(rangesIn(node), false);
  const takesAll = [
    "RenameStmt",
    "TruncateStmt",
    "LockStmt",
    "ClusterStmt",
    "RefreshMatViewStmt",
    "ReindexStmt",
    "CreatePolicyStmt",
    "RuleStmt",
  ];
  return takesAll.some((kind) => kind in node) ? named(rangesIn(node), true) : [];
}

function isForeignKeyAlone(node: Extract<Node, { AlterTableStmt: unknown }>): boolean {
  return (node.AlterTableStmt.cmds ?? []).every(
    (each) =>
      "AlterTableCmd" in each &&
      each.AlterTableCmd.def !== undefined &&
      "Constraint" in each.AlterTableCmd.def &&
      each.AlterTableCmd.def.Constraint.contype === "CONSTR_FOREIGN",
  );
}

/** The names of tables in a statement, wherever they stand: schema and name. */
function rangesIn(node: unknown): readonly (readonly string[])[] {
  if (Array.isArray(node)) return node.flatMap(rangesIn);
  if (typeof node !== "object" || node === null) return [];
  const own =
    "relname" in node && typeof node.relname === "string"
      ? ["schemaname" in node && typeof node.schemaname === "string" ? [node.schemaname, node.relname] : [node.relname]]
      : [];
  return [...own, ...Object.values(node).flatMap(rangesIn)];
}

function named(names: readonly (readonly string[])[], everybody: boolean): readonly Target[] {
  return names
    .filter((parts) => parts.length > 0)
    .map((parts) => ({ name: parts.map((part) => `"${part.replaceAll('"', '""')}"`).join("."), everybody }));
}
