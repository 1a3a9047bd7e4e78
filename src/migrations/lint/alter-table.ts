import type { AlterTableCmd, Node } from "@pgsql/types";
import { bareName } from "../sql/object-name.ts";
import { listOf, walk } from "../sql/tree.ts";
import type { Change } from "./change.ts";
import { columnOf, constraintOf, typeOf } from "./column-of.ts";
import { textsOf } from "./names.ts";

/** What one part of an `ALTER TABLE` changes; nothing where its text lacks what it is about. */
export function tableChanges(table: string, { subtype, name = "", def }: AlterTableCmd): readonly Change[] {
  if (subtype === "AT_AddColumn" || subtype === "AT_AlterColumnType") {
    if (def === undefined || !("ColumnDef" in def)) return [];
    const { ColumnDef: column } = def;
    return [
      subtype === "AT_AddColumn"
        ? { kind: "add-column", table, column: columnOf(column) }
        : {
            kind: "change-type",
            table,
            column: name,
            type: typeOf(column.typeName),
            keepsValues: column.raw_default === undefined || reads(column.raw_default, table, name),
          },
    ];
  }
  if (subtype === "AT_AddConstraint")
    return def !== undefined && "Constraint" in def
      ? [{ kind: "add-constraint", table, constraint: constraintOf(def.Constraint) }]
      : [];
  if (subtype === "AT_DetachPartition") {
    const isConcurrent = def !== undefined && "PartitionCmd" in def && def.PartitionCmd.concurrent === true;
    return [{ kind: "detach-partition", table, isConcurrent }];
  }
  const isDropped = subtype === "AT_ColumnDefault" && def === undefined;
  const rewrites = REWRITES[subtype ?? ""];
  if (rewrites !== undefined) return [{ kind: "rewrite-table", table, by: rewrites }];
  return [
    isDropped
      ? { kind: "drop-default", table, column: name }
      : (NAMED[subtype ?? ""]?.(table, name) ?? { kind: "alter-table", table }),
  ];
}

/** Whether an expression asks for a column, or for the whole row. */
function reads(expression: Node, table: string, column: string): boolean {
  let does = false;
  walk(expression, (key, { fields }) => {
    if (key !== "ColumnRef") return;
    const parts = listOf(fields) as readonly Node[];
    const names = parts.flatMap(textsOf);
    const isRow = names.length < parts.length || (names.length === 1 && names[0] === bareName(table));
    does ||= isRow || names.at(-1) === column;
  });
  return does;
}

/** Those that say no more than a name. */
const NAMED: Readonly<Record<string, (table: string, name: string) => Change>> = {
  AT_DropColumn: (table, column) => ({ kind: "drop-column", table, column }),
  AT_SetNotNull: (table, column) => ({ kind: "set-not-null", table, column }),
  AT_ValidateConstraint: (table, name) => ({ kind: "validate-constraint", table, name }),
  AT_DropConstraint: (table, name) => ({ kind: "drop-constraint", table, name }),
  AT_EnableRowSecurity: (table) => ({ kind: "row-security", table }),
  AT_ForceRowSecurity: (table) => ({ kind: "row-security", table }),
};

const REWRITES: Readonly<Record<string, string>> = {
  AT_SetLogged: "SET LOGGED",
  AT_SetUnLogged: "SET UNLOGGED",
  AT_SetAccessMethod: "SET ACCESS METHOD",
  AT_SetTableSpace: "SET TABLESPACE",
};
