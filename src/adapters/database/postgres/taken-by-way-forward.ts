import { keyOfName, nameBeside } from "../../../migrations/sql/object-name.ts";
import type { Change } from "../../../migrations/lint/change.ts";

/** What statements take away of what was there before the first of them. */
export function takenAway(
  statements: readonly { readonly changes: readonly Change[]; readonly inside: readonly Change[] }[],
): readonly Change[] {
  const made = new Set<string>();
  return statements
    .flatMap(({ changes, inside }) => [...changes, ...inside])
    .filter((change) => {
      if (change.kind === "create-table") made.add(keyOfName(change.table));
      if (change.kind === "create-type" || change.kind === "create-object") made.add(keyOfName(change.name));
      if (change.kind === "add-column") made.add(columnKey(change.table, change.column.name));
      const isOfColumn = change.kind === "drop-column" || change.kind === "change-type";
      if (isOfColumn && made.has(columnKey(change.table, change.column))) return false;
      const isOwn = namesOf(change).every((name) => name !== null && made.has(keyOfName(name)));
      if (change.kind === "rename" && isOwn) made.add(keyOfName(nameBeside(change.from, change.to)));
      return isTakingAway(change) && !isOwn;
    });
}

function columnKey(table: string, column: string): string {
  return `${keyOfName(table)}\0${column}`;
}

/** What a change is about; nothing where it does not say. */
function namesOf(change: Change): readonly (string | null)[] {
  if ("table" in change) return [change.table];
  if ("names" in change) return change.names;
  if ("tables" in change) return change.tables;
  if (change.kind === "drop-owned") return [null];
  if (change.kind === "rename") return [change.of];
  if (change.kind === "rename-enum-value") return [change.type];
  return "name" in change ? [change.name] : [];
}

function isTakingAway(change: Change): boolean {
  if (change.kind === "write-rows") return change.by === "DELETE" && change.isWhole;
  if (change.kind === "change-type") return !change.keepsValues;
  return TAKES_AWAY.has(change.kind) && !isHarmless(change);
}

const TAKES_AWAY: ReadonlySet<Change["kind"]> = new Set([
  "drop",
  "drop-column",
  "drop-owned",
  "detach-partition",
  "rename",
  "move-schema",
  "rename-enum-value",
  "truncate",
  "revoke",
]);

function isHarmless(change: Change): boolean {
  if (change.kind === "drop") return ["index", "trigger", "policy"].includes(change.what);
  return change.kind === "rename" && ["index", "constraint", "sequence"].includes(change.what);
}
