import type { Relation } from "../../core/migration/serving.ts";
import type { Change, ChangeOf } from "../lint/change.ts";
import { bareName, inSchema, mayBeSame } from "../sql/object-name.ts";
import { nameOfRelation, type Relations } from "./relations.ts";
import type { TableUse, Uses } from "./uses.ts";

/** `breaks`: the query fails, or does something else, once the change is made. `touches`: whether it does depends on the rows. */
export type Need = "breaks" | "touches" | null;

/** What a judge knows of the database, by name. */
export interface KnownDatabase {
  readonly relation: Relations;
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
  "move-schema": ({ name }, uses, database) =>
    breaksIf(namesRelation(uses, database, name) || uses.names.has(bareName(name))),
  "rename-enum-value": ({ type, from }, uses, database) =>
    uses.names.has(from) ? "breaks" : touchesIf(usesType(uses, database, type)),
  "add-column": ({ table }, uses, database) => breaksIf(inserts(useOf(uses, database, table))),
  "drop-default": ({ table, column }, uses, database) => withoutColumn(useOf(uses, database, table), column, false),
  "set-not-null": ({ table, column }, uses, database) => withoutColumn(useOf(uses, database, table), column, true),
  "drop-constraint": ({ table, name }, uses, database) => ofDropConstraint(uses, database, table, name),
  "add-constraint": ({ table, constraint }, uses, database) =>
    touchesIf(writes(useOf(uses, database, table), constraint.columns)),
  truncate: ({ tables }, uses, database) => touchesIf(tables.some((table) => namesRelation(uses, database, table))),
  revoke: ({ names }, uses, database) =>
    breaksIf(names.some((name) => namesRelation(uses, database, name) || uses.names.has(bareName(name)))),
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
    return breaksIf(names.some((name) => uses.names.has(bareName(name)) || usesType(uses, database, name)));
  if (what === "function" || what === "sequence") return breaksIf(names.some((name) => isNamed(uses, database, name)));
  if (what === "index")
    return breaksIf(names.some((name) => breaksConflict(uses, database, tableWith(database, name), name)));
  // Who names a schema nowhere may find its tables by search_path.
  return undefined;
}

function ofRename({ what, of, from }: ChangeOf<"rename">, uses: Uses, database: KnownDatabase): Need | undefined {
  if (what === "column") return breaksIf(usesColumn(uses, database, of, from));
  if (what === "table") return breaksIf(useOf(uses, database, from) !== undefined);
  if (what === "constraint") return breaksIf(namesConstraint(useOf(uses, database, of), from));
  if (what === "view" || what === "type" || what === "function" || what === "sequence")
    return breaksIf(isNamed(uses, database, from));
  return undefined;
}

/** A query of a view needs what the view reads. */
function namesRelation(uses: Uses, database: KnownDatabase, name: string): boolean {
  const readers = database.relation(name)?.readers ?? [];
  return (
    useOf(uses, database, name) !== undefined || readers.some(({ view }) => useOf(uses, database, view) !== undefined)
  );
}

function usesColumn(uses: Uses, database: KnownDatabase, table: string, column: string): boolean {
  const use = useOf(uses, database, table);
  if (use !== undefined && (use.takesAll || use.columns.has(column))) return true;
  const readers = (database.relation(table)?.readers ?? []).filter((each) => each.column === column);
  return readers.some(({ view }) => useOf(uses, database, view) !== undefined);
}

function usesType(uses: Uses, database: KnownDatabase, type: string): boolean {
  return database.tablesOf(bareName(type)).some((table) => useOf(uses, database, table) !== undefined);
}

function isNamed(uses: Uses, database: KnownDatabase, name: string): boolean {
  return uses.names.has(bareName(name)) || useOf(uses, database, name) !== undefined;
}

/** What a query takes of a table; of one that it writes without a schema it may be this one. */
function useOf({ tables }: Uses, { relation }: KnownDatabase, name: string): TableUse | undefined {
  const written = nameOfRelation(relation, name);
  const found = [...tables].flatMap(([each, use]) => (mayBeSame(each, written) ? [use] : []));
  return found.length < 2 ? found[0] : found.reduce(together);
}

function together(a: TableUse, b: TableUse): TableUse {
  return {
    columns: new Set([...a.columns, ...b.columns]),
    takesAll: a.takesAll || b.takesAll,
    inserted: a.inserted === undefined ? b.inserted : a.inserted,
    updated: [...a.updated, ...b.updated],
    conflicts: [...a.conflicts, ...b.conflicts],
  };
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

function ofDropConstraint(uses: Uses, database: KnownDatabase, table: string, name: string): Need {
  const isNamedItself = namesConstraint(useOf(uses, database, table), name);
  return breaksIf(isNamedItself || breaksConflict(uses, database, database.relation(table), name));
}

/** Whether an ON CONFLICT finds nothing that is unique any more once an index or a constraint of that name is gone. */
function breaksConflict(uses: Uses, database: KnownDatabase, table: Relation | null, constraint: string): boolean {
  if (table === null) return false;
  const name = bareName(constraint);
  const left = table.indexes.filter((index) => index.isUnique && index.name !== name);
  const gone = table.indexes.find((index) => index.isUnique && index.name === name);
  if (gone === undefined) return false;
  return (useOf(uses, database, inSchema(table.schema, table.name))?.conflicts ?? []).some((conflict) => {
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
