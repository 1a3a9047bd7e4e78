import type { Change } from "./change.ts";

/** Why a statement that is repeated until it changes no row would be repeated for ever; null: nobody can say by its text. */
export function neverEnds(changes: readonly Change[]): string | null {
  const [first] = changes;
  if (first?.kind !== "write-rows")
    return "Only INSERT, UPDATE, DELETE and MERGE say how many rows they have changed: this would be repeated for ever.";
  if (!first.isWhole || first.by === "DELETE") return null;
  return first.by === "INSERT"
    ? `It adds the same rows to ${first.table} each time, and never ends.`
    : `It finds the same rows of ${first.table} each time, and never ends.`;
}
