import type { Relation } from "../../core/migration/serving.ts";
import { bareName, inSchema, schemaOf } from "../sql/object-name.ts";

/** The table, view, index or sequence that a name means; null: there is none. */
export type Relations = (name: string) => Relation | null;

export function relationsIn(all: readonly Relation[]): Relations {
  const byName = Map.groupBy(all, ({ name }) => name);
  return (name) => {
    const found = byName.get(bareName(name)) ?? [];
    const schema = schemaOf(name);
    if (schema !== null) return found.find((each) => each.schema === schema) ?? null;
    // Where none is found without its schema, nobody knows which is meant: of each of them may be true what is true of one.
    return found.find(({ isVisible }) => isVisible) ?? (found.length === 0 ? null : found.reduce(both));
  };
}

/** With the schema of what is meant, where that is known. */
export function nameOfRelation(relations: Relations, name: string): string {
  const found = schemaOf(name) === null ? relations(name) : null;
  return found === null || !found.isVisible ? name : inSchema(found.schema, found.name);
}

function both(a: Relation, b: Relation): Relation {
  const sum = (x: number | null, y: number | null): number | null => (x === null || y === null ? null : x + y);
  const inB = new Map(b.columns.map((column) => [column.name, column]));
  return {
    ...a,
    kind: a.kind === "table" || b.kind === "table" ? "table" : a.kind,
    rows: sum(a.rows, b.rows),
    bytes: sum(a.bytes, b.bytes),
    table: a.table ?? b.table,
    columns: [
      ...a.columns.map((column) => ({
        ...column,
        isNotNull: column.isNotNull && inB.get(column.name)?.isNotNull !== false,
      })),
      ...b.columns.filter(({ name }) => !a.columns.some((column) => column.name === name)),
    ],
    constraints: [...a.constraints, ...b.constraints],
    indexes: [...a.indexes, ...b.indexes],
    readers: [...a.readers, ...b.readers],
  };
}
