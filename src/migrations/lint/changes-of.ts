import type {
  ColumnDef,
  DropStmt,
  IndexStmt,
  Node,
  RangeVar,
  ReindexStmt,
  RenameStmt,
  RoleSpec,
  VariableSetStmt,
} from "@pgsql/types";
import type { Change, Constraint, Dropped, Renamed } from "./change.ts";
import { tableChanges } from "./alter-table.ts";
import { columnOf, constraintOf } from "./column-of.ts";
import { hasOption, nameIn, tableName, textsOf } from "./names.ts";
import { writtenName } from "../sql/object-name.ts";
import { listOf, plain } from "../sql/tree.ts";
import { rowsWrittenBy } from "./written-rows.ts";

/** What a statement changes; one `ALTER TABLE` may change many things. */
export function changesOf(node: Node): readonly Change[] {
  if ("AlterTableStmt" in node) {
    const { relation, cmds = [], objtype } = node.AlterTableStmt;
    if (objtype !== "OBJECT_TABLE") return [{ kind: "other", name: "ALTER" }];
    return cmds.flatMap((each) =>
      "AlterTableCmd" in each ? tableChanges(tableName(relation), each.AlterTableCmd) : [],
    );
  }
  return [
    changeOf(node),
    ...statementsIn(node)
      .flatMap(changesOf)
      .filter(({ kind }) => kind === "write-rows"),
  ];
}

/** Those that run with it: behind its WITH, and what it prepares or explains by running it. */
function statementsIn(node: Node): readonly Node[] {
  if ("ExplainStmt" in node && !hasOption(node.ExplainStmt.options ?? [], "analyze")) return [];
  const [statement] = Object.values(node).map(plain);
  const named = listOf(plain(statement?.["withClause"])?.["ctes"]).map(
    (each) => plain(plain(each)?.["CommonTableExpr"])?.["ctequery"],
  );
  const inner = [...named, statement?.["query"], statement?.["selectStmt"]];
  return inner.filter((each): each is Node => plain(each) !== null);
}

function changeOf(node: Node): Change {
  if ("CreateStmt" in node) return createTable(node.CreateStmt.relation, node.CreateStmt.tableElts ?? []);
  if ("CreateTableAsStmt" in node) return createTable(node.CreateTableAsStmt.into?.rel, []);
  if ("IndexStmt" in node) return createIndex(node.IndexStmt);
  if ("DropStmt" in node) return drop(node.DropStmt);
  if ("ViewStmt" in node && node.ViewStmt.replace !== true) return created(tableName(node.ViewStmt.view));
  if ("CreateFunctionStmt" in node && node.CreateFunctionStmt.replace !== true)
    return created(nameIn(node.CreateFunctionStmt.funcname));
  if ("CreateSeqStmt" in node && node.CreateSeqStmt.if_not_exists !== true)
    return created(tableName(node.CreateSeqStmt.sequence));
  if ("CreateSchemaStmt" in node && node.CreateSchemaStmt.if_not_exists !== true)
    return created(node.CreateSchemaStmt.schemaname ?? "", true);
  if ("DropOwnedStmt" in node)
    return {
      kind: "drop-owned",
      roles: (node.DropOwnedStmt.roles ?? []).flatMap((each) => ("RoleSpec" in each ? [roleName(each.RoleSpec)] : [])),
    };
  if ("RenameStmt" in node) return rename(node.RenameStmt);
  if ("ReindexStmt" in node) return reindex(node.ReindexStmt);
  return typeChange(node) ?? maintenance(node) ?? rowsWrittenBy(node) ?? session(node);
}

function created(name: string, isSchema = false): Change {
  return { kind: "create-object", name, isSchema };
}

function createTable(relation: RangeVar | undefined, elements: readonly Node[]): Change {
  const columns = elements.flatMap((each): readonly ColumnDef[] => ("ColumnDef" in each ? [each.ColumnDef] : []));
  const constraints = elements.flatMap((each): readonly Constraint[] =>
    "Constraint" in each ? [constraintOf(each.Constraint)] : [],
  );
  const isKey = (name: string): boolean =>
    constraints.some(({ kind, columns: of }) => kind === "primary" && of.includes(name));
  return {
    kind: "create-table",
    table: tableName(relation),
    isTemporary: relation?.relpersistence === "t",
    isQualified: relation?.schemaname !== undefined,
    columns: columns.map(columnOf).map((each) => (isKey(each.name) ? { ...each, isNotNull: true } : each)),
  };
}

function createIndex({ relation, idxname, indexParams = [], unique, concurrent }: IndexStmt): Change {
  return {
    kind: "create-index",
    name: idxname ?? null,
    table: tableName(relation),
    columns: indexParams.map((each) => ("IndexElem" in each ? (each.IndexElem.name ?? null) : null)),
    isUnique: unique === true,
    isConcurrent: concurrent === true,
  };
}

const DROPPED: Readonly<Record<string, Dropped>> = {
  OBJECT_TABLE: "table",
  OBJECT_FOREIGN_TABLE: "table",
  OBJECT_INDEX: "index",
  OBJECT_VIEW: "view",
  OBJECT_MATVIEW: "view",
  OBJECT_TYPE: "type",
  OBJECT_DOMAIN: "type",
  OBJECT_FUNCTION: "function",
  OBJECT_PROCEDURE: "function",
  OBJECT_AGGREGATE: "function",
  OBJECT_ROUTINE: "function",
  OBJECT_SEQUENCE: "sequence",
  OBJECT_SCHEMA: "schema",
  OBJECT_TRIGGER: "trigger",
  OBJECT_POLICY: "policy",
};

function drop({ removeType, objects = [], concurrent }: DropStmt): Change {
  const names = objects.map(textsOf);
  return {
    kind: "drop",
    what: DROPPED[removeType ?? ""] ?? "other",
    names: names.map((each) => (isOfTable(removeType) ? (each.at(-1) ?? "") : writtenName(each))),
    isConcurrent: concurrent === true,
    isQualified: names.every((each) => each.length > 1),
  };
}

/** What is named behind its table. */
function isOfTable(type: string | undefined): boolean {
  return ["OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"].includes(type ?? "");
}

function roleName({ rolename, roletype }: RoleSpec): string {
  return rolename ?? (roletype ?? "").replace("ROLESPEC_", "");
}

const RENAMED: Readonly<Record<string, Renamed>> = {
  OBJECT_TABLE: "table",
  OBJECT_FOREIGN_TABLE: "table",
  OBJECT_COLUMN: "column",
  OBJECT_ATTRIBUTE: "column",
  OBJECT_VIEW: "view",
  OBJECT_MATVIEW: "view",
  OBJECT_SCHEMA: "schema",
  OBJECT_TABCONSTRAINT: "constraint",
  OBJECT_TYPE: "type",
  OBJECT_DOMAIN: "type",
  OBJECT_FUNCTION: "function",
  OBJECT_PROCEDURE: "function",
  OBJECT_ROUTINE: "function",
  OBJECT_SEQUENCE: "sequence",
  OBJECT_INDEX: "index",
};

function rename({ renameType, relation, subname = "", newname = "", object }: RenameStmt): Change {
  const what = RENAMED[renameType ?? ""] ?? "other";
  const of = relation === undefined ? (object === undefined ? "" : named(object)) : tableName(relation);
  return { kind: "rename", what, of, from: subname === "" ? of : subname, to: newname };
}

function reindex({ kind, relation, name, params = [] }: ReindexStmt): Change {
  return {
    kind: "reindex",
    isConcurrent: hasOption(params, "concurrently"),
    isSystem: kind === "REINDEX_OBJECT_SYSTEM",
    what: relation === undefined ? (name ?? "") : tableName(relation),
  };
}

function typeChange(node: Node): Change | null {
  if ("CreateEnumStmt" in node)
    return { kind: "create-type", name: nameIn(node.CreateEnumStmt.typeName), isEnum: true };
  if ("CompositeTypeStmt" in node)
    return { kind: "create-type", name: tableName(node.CompositeTypeStmt.typevar), isEnum: false };
  if ("AlterEnumStmt" in node) {
    const { typeName, oldVal, newVal = "", newValNeighbor } = node.AlterEnumStmt;
    const type = nameIn(typeName);
    return oldVal === undefined
      ? { kind: "add-enum-value", type, isOrdered: newValNeighbor !== undefined }
      : { kind: "rename-enum-value", type, from: oldVal, to: newVal };
  }
  if ("CreateDomainStmt" in node) {
    const { domainname, constraints = [] } = node.CreateDomainStmt;
    return { kind: "create-domain", name: nameIn(domainname), hasConstraint: constraints.length > 0 };
  }
  if ("AlterDomainStmt" in node && node.AlterDomainStmt.subtype === "C")
    return { kind: "constrain-domain", name: nameIn(node.AlterDomainStmt.typeName) };
  return null;
}

function maintenance(node: Node): Change | null {
  if ("TruncateStmt" in node) {
    const { relations = [], behavior } = node.TruncateStmt;
    return { kind: "truncate", tables: relations.map(named), isCascading: behavior === "DROP_CASCADE" };
  }
  if ("VacuumStmt" in node) {
    const { options = [], rels = [] } = node.VacuumStmt;
    if (!hasOption(options, "full")) return { kind: "none" };
    const [first] = rels;
    const table = first !== undefined && "VacuumRelation" in first ? tableName(first.VacuumRelation.relation) : null;
    return { kind: "repack", by: "VACUUM FULL", table };
  }
  if ("ClusterStmt" in node) {
    const { relation } = node.ClusterStmt;
    return { kind: "repack", by: "CLUSTER", table: relation === undefined ? null : tableName(relation) };
  }
  if ("RefreshMatViewStmt" in node) {
    const { relation, concurrent } = node.RefreshMatViewStmt;
    return { kind: "refresh-view", view: tableName(relation), isConcurrent: concurrent === true };
  }
  if ("LockStmt" in node) return { kind: "lock-table", tables: (node.LockStmt.relations ?? []).map(named) };
  if ("CreateTrigStmt" in node) return { kind: "create-trigger", table: tableName(node.CreateTrigStmt.relation) };
  if ("CreatePolicyStmt" in node) return { kind: "row-security", table: tableName(node.CreatePolicyStmt.table) };
  if ("GrantStmt" in node && node.GrantStmt.is_grant !== true)
    return { kind: "revoke", names: (node.GrantStmt.objects ?? []).map(named) };
  if ("AlterObjectSchemaStmt" in node) {
    const { relation, object, newschema = "" } = node.AlterObjectSchemaStmt;
    const name = relation === undefined ? (object === undefined ? "" : named(object)) : tableName(relation);
    return { kind: "move-schema", name, to: newschema };
  }
  return null;
}

function session(node: Node): Change {
  if ("VariableSetStmt" in node) return setting(node.VariableSetStmt);
  if ("TransactionStmt" in node) {
    const { kind } = node.TransactionStmt;
    if (kind === "TRANS_STMT_BEGIN" || kind === "TRANS_STMT_START") return { kind: "begin" };
    if (kind === "TRANS_STMT_COMMIT" || kind === "TRANS_STMT_ROLLBACK") return { kind: "end" };
    return { kind: "none" };
  }
  const [name = ""] = Object.keys(node);
  return /^(?:Select|Copy|Explain|Comment|Do|Call|Execute|Prepare|Deallocate|VariableShow|Checkpoint|Discard|Notify|Listen|Grant)/.test(
    name,
  )
    ? { kind: "none" }
    : { kind: "other", name: name.replace(/Stmt$/, "") };
}

function setting({ name = "", args = [] }: VariableSetStmt): Change {
  const values = args.flatMap((each) => ("A_Const" in each ? [each.A_Const.sval?.sval ?? ""] : []));
  return { kind: "set", variable: name, values };
}

function named(node: Node): string {
  return writtenName(textsOf(node));
}
