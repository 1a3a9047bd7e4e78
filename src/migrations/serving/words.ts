import { bareName } from "../sql/object-name.ts";
import type { Change, ChangeOf } from "../lint/change.ts";

interface Words<Kind extends Change["kind"]> {
  /** The end of "Of 34 queries none …". */
  about(change: ChangeOf<Kind>): string;
  /** The names that a text must hold to be about what the change takes away. */
  names(change: ChangeOf<Kind>): readonly string[];
}

export function aboutWords(change: Change): string {
  return wordsOf(change)?.about(change) ?? `uses ${namesIn(change)[0] ?? "it"}`;
}

export function namesIn(change: Change): readonly string[] {
  const own = "table" in change && change.table !== null ? [change.table] : [];
  return (wordsOf(change)?.names(change) ?? own).map(bareName);
}

function wordsOf(change: Change): Words<Change["kind"]> | undefined {
  return WORDS[change.kind] as Words<Change["kind"]> | undefined;
}

const OF_COLUMN = {
  about: ({ table, column }: { readonly table: string; readonly column: string }) => `uses ${table}.${column}`,
  names: ({ column }: { readonly column: string }) => [column],
};

const WORDS: { readonly [Kind in Change["kind"]]?: Words<Kind> } = {
  "drop-column": OF_COLUMN,
  "change-type": OF_COLUMN,
  "drop-default": { ...OF_COLUMN, about: ({ table, column }) => `inserts into ${table} without ${column}` },
  "set-not-null": { ...OF_COLUMN, about: ({ table, column }) => `writes to ${table} without ${column}` },
  "add-column": { about: ({ table }) => `inserts into ${table}`, names: ({ table }) => [table] },
  "add-constraint": { about: ({ table }) => `writes to ${table}`, names: ({ table }) => [table] },
  "drop-constraint": { about: ({ name }) => `needs ${name} for an ON CONFLICT`, names: ({ name }) => [name] },
  rename: {
    about: ({ what, of, from }) => `uses ${what === "column" ? `${of}.${from}` : from}`,
    names: ({ from }) => [from],
  },
  "rename-enum-value": { about: ({ type }) => `uses ${type}`, names: ({ from }) => [from] },
  "move-schema": { about: ({ name }) => `uses ${name}`, names: ({ name }) => [name] },
  drop: { about: ({ names }) => `uses ${names.join(", ")}`, names: ({ names }) => names.slice(0, 1) },
  revoke: { about: ({ names }) => `uses ${names.join(", ")}`, names: ({ names }) => names.slice(0, 1) },
  truncate: { about: ({ tables }) => `uses ${tables.join(", ")}`, names: ({ tables }) => tables.slice(0, 1) },
};
