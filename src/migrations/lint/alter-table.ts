import type { AlterTableCmd } from "@pgsql/types";
import type { Change } from "./change.ts";
import { columnOf, constraintOf, typeOf } from "./column-of.ts";

/** What one part of an `ALTER TABLE` changes; nothing where its text lacks what it is about. */
export function tableChanges(table: string, { subtype, name = "", def }: AlterTableCmd): readonly Change[] {
  if (subtype === "AT_AddColumn" || subtype === "AT_AlterColumnType") {
    if (def === undefined || !("ColumnDef" in def)) return [];
    const { ColumnDef: column } = def;
    return [
      subtype === "AT_AddColumn"
        ? { kind: "add-column", table, column: columnOf(column) }
        : { kind: "change-type", table, column: name, type: typeOf(column.typeName) },
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
