import type { Relation } from "../../core/migration/serving.ts";
import type { Change, ChangeOf } from "../lint/change.ts";
import type { TableUse, Uses } from "./uses.ts";

/** `breaks`: the query fails, or does something else, once the change is made. `touches`: whether it does depends on the rows. */
export type Need = "breaks" | "touches" | null;

/** What a judge knows of the database, by name. */
export interface KnownDatabase {
  relation(name: string): Relation | null;
  /** Tables with a column of the type. */
  tablesOf(type: string): readonly string[];
}

type NeedOf<Kind extends Change["kind"]> = (
  change: ChangeOf<Kind>,
  uses: Uses,
  database: KnownDatabase,
) => Need | undefined;

/** How much a query needs of what a change takes away or forbids; undefined: of such a change queries say nothing. */
export function needOf(change: Change, uses: Uses, database: KnownDatabase): Need | undefined {
  const of = NEEDS[change.kind] as NeedOf<Change["kind"]> | undefined;
  return of?.(change, uses, database);
}

const NEEDS: { readonly [Kind in Change["kind"]]?: NeedOf<Kind> } = {
  "drop-column": ({ table, column }, uses, database) => breaksIf(usesColumn(uses, database, table, column)),
  "change-type": ({ table, column }, uses, database) => breaksIf(usesColumn(uses, database, table, column)),
  drop: ofDrop,
  rename: ofRename,
  "move-schema": ({ name }, uses, database) => breaksIf(namesRelation(uses, database, name) || uses.names.has(name)),
  "rename-enum-value": ({ type, from }, uses, database) =>
    uses.names.has(from) ? "breaks" : touchesIf(database.tablesOf(type).some((table) => uses.tables.has(table))),
  "add-column": ({ table }, uses) => breaksIf(inserts(uses.tables.get(table))),
  "drop-default": ({ table, column }, uses) => withoutColumn(uses.tables.get(table), column, false),
  "set-not-null": ({ table, column }, uses) => withoutColumn(uses.tables.get(table), column, true),
  "drop-constraint": ({ table, name }, uses, database) => ofDropConstraint(uses, database.relation(table), name),
  "add-constraint": ({ table, constraint }, uses) => touchesIf(writes(uses.tables.get(table), constraint.columns)),
  truncate: ({ tables }, uses, database) => touchesIf(tables.some((table) => namesRelation(uses, database, table))),
  revoke: ({ names }, uses, database) =>
    breaksIf(names.some((name) => namesRelation(uses, database, name) || uses.names.has(name))),
  "row-security": ({ table }, uses, database) => breaksIf(namesRelation(uses, database, table)),
};

function breaksIf(does: boolean): Need {
  return does ? "breaks" : null;
}

function touchesIf(does: boolean): Need {
  return does ? "touches" : null;
}

function ofDrop({ what, names }: ChangeOf<"drop">, uses: Uses, database: KnownDatabase): Need | undefined {
  if (what === "table" || what === "view") return breaksIf(names.some((name) => namesRelation(uses, database, name)));
  if (what === "type")
    return breaksIf(
      names.some((name) => uses.names.has(name) || database.tablesOf(name).some((each) => uses.tables.has(each))),
    );
  if (what === "function" || what === "sequence")
    return breaksIf(names.some((name) => uses.names.has(name) || uses.tables.has(name)));
  if (what === "index") return breaksIf(names.some((name) => breaksConflict(uses, tableWith(database, name), name)));
  // Who names a schema nowhere may find its tables by search_path.
  return undefined;
}

function ofRename({ what, of, from }: ChangeOf<"rename">, uses: Uses, database: KnownDatabase): Need | undefined {
  if (what === "column") return breaksIf(usesColumn(uses, database, of, from));
  if (what === "table") return breaksIf(uses.tables.has(from));
  if (what === "constraint") return breaksIf(namesConstraint(uses.tables.get(of), from));
  if (what === "view" || what === "type" || what === "function" || what === "sequence")
    return breaksIf(uses.names.has(from) || uses.tables.has(from));
  return undefined;
}

/** A query of a view needs what the view reads. */
function namesRelation(uses: Uses, database: KnownDatabase, name: string): boolean {
  return uses.tables.has(name) || (database.relation(name)?.readers ?? []).some(({ view }) => uses.tables.has(view));
}

function usesColumn(uses: Uses, database: KnownDatabase, table: string, column: string): boolean {
  const use = uses.tables.get(table);
  if (use !== undefined && (use.takesAll || use.columns.has(column))) return true;
  const readers = (database.relation(table)?.readers ?? []).filter((each) => each.column === column);
  return readers.some(({ view }) => uses.tables.has(view));
}

function inserts(use: TableUse | undefined): boolean {
  return use?.inserted !== undefined;
}

function withoutColumn(use: TableUse | undefined, column: string, isSetToo: boolean): Need {
  if (use === undefined) return null;
  if (use.inserted === null) return "touches";
  if (use.inserted !== undefined && !use.inserted.includes(column)) return "breaks";
  return isSetToo && (use.inserted !== undefined || use.updated.includes(column)) ? "touches" : null;
}

/** No column is known of a check. */
function writes(use: TableUse | undefined, columns: readonly string[]): boolean {
  if (use === undefined) return false;
  if (use.inserted !== undefined) return true;
  return columns.length === 0 ? use.updated.length > 0 : use.updated.some((column) => columns.includes(column));
}

function namesConstraint(use: TableUse | undefined, name: string): boolean {
  return (use?.conflicts ?? []).some((conflict) => conflict.kind === "constraint" && conflict.name === name);
}

function ofDropConstraint(uses: Uses, table: Relation | null, name: string): Need {
  return breaksIf(namesConstraint(uses.tables.get(table?.name ?? ""), name) || breaksConflict(uses, table, name));
}

/** Whether an ON CONFLICT finds nothing that is unique any more once an index or a constraint of that name is gone. */
function breaksConflict(uses: Uses, table: Relation | null, name: string): boolean {
  if (table === null) return false;
  const left = table.indexes.filter((index) => index.isUnique && index.name !== name);
  const gone = table.indexes.find((index) => index.isUnique && index.name === name);
  if (gone === undefined) return false;
  return (uses.tables.get(table.name)?.conflicts ?? []).some((conflict) => {
    if (conflict.kind === "constraint") return conflict.name === name;
    const isFor = (index: (typeof left)[number]): boolean => isSame(index.columns, conflict.columns);
    return isFor(gone) && !left.some((index) => !index.isPartial && isFor(index));
  });
}

function isSame(columns: readonly (string | null)[], others: readonly string[]): boolean {
  return columns.length === others.length && columns.every((column) => column !== null && others.includes(column));
}

function tableWith(database: KnownDatabase, index: string): Relation | null {
  const table = database.relation(index)?.table ?? null;
  return table === null ? null : database.relation(table);
}
