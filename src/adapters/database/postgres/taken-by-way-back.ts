import type { Node } from "@pgsql/types";
import { keyOfName, quotedName } from "../../../migrations/sql/object-name.ts";
import { walk } from "../../../migrations/sql/tree.ts";
import type { Change } from "../../../migrations/lint/change.ts";
import type { ReadStatement } from "./read-migrations.ts";

/** What a statement of a way back takes away, as far as its text says. */
export type Taken =
  | { readonly kind: "table"; readonly line: number; readonly name: string }
  | { readonly kind: "column"; readonly line: number; readonly table: string; readonly column: string }
  /** Its text says no more than that it may lose something. */
  | { readonly kind: "unknown"; readonly line: number; readonly what: string };

/** Nothing that holds rows: what has made it can make it again. */
const HARMLESS_DROPS: ReadonlySet<string> = new Set(["index", "view", "function", "trigger", "policy", "type"]);

const HARMLESS: ReadonlySet<Change["kind"]> = new Set([
  "create-table",
  "add-column",
  "add-constraint",
  "validate-constraint",
  "drop-constraint",
  "drop-default",
  "set-not-null",
  "alter-table",
  "create-index",
  "create-type",
  "create-object",
  "create-trigger",
  "row-security",
  "rename",
  "reindex",
  "refresh-view",
  "lock-table",
  "set",
  "begin",
  "end",
]);

export function takenBy({ node, changes, line, sql }: ReadStatement): readonly Taken[] {
  const unknown = (what: string): readonly Taken[] => [{ kind: "unknown", line, what }];
  // CASCADE takes what nobody has named.
  if (/\bcascade\b/i.test(sql) && changes.some(({ kind }) => kind.startsWith("drop")))
    return unknown("drops with CASCADE whatever depends on it");
  const [kind = ""] = Object.keys(node);
  if (/^(?:Insert|Merge|Copy|Do|Call|Execute)/.test(kind))
    return unknown(`runs ${kind.replace(/Stmt$/, "").toUpperCase()}, which may change rows`);
  if (kind === "SelectStmt") return callsNothing(node) ? [] : unknown("runs SELECT, which may call anything");
  return changes.flatMap((change): readonly Taken[] => {
    if (change.kind === "drop-column")
      return [{ kind: "column", line, table: quotedName(change.table), column: change.column }];
    if (change.kind === "drop" && change.what === "table")
      return change.names.map((name) => ({ kind: "table", line, name: quotedName(name) }));
    if (change.kind === "drop")
      return HARMLESS_DROPS.has(change.what)
        ? []
        : unknown(`drops a ${change.what === "other" ? "thing that may hold data" : change.what}`);
    if (change.kind === "write-rows") return unknown(`runs ${change.by} on ${change.table}`);
    if (change.kind === "change-type") return unknown(`changes the type of ${change.table}.${change.column}`);
    if (change.kind === "truncate") return unknown(`empties ${change.tables.join(", ")}`);
    if (change.kind === "none" || HARMLESS.has(change.kind)) return [];
    return unknown(`runs a statement of which Tidegate does not know what it loses`);
  });
}

/** It works with what stands in it: a view that it reads may call what changes rows. */
function callsNothing(node: Node): boolean {
  let calls = false;
  walk(node, (key) => {
    if (["FuncCall", "fromClause", "intoClause", "withClause"].includes(key)) calls = true;
  });
  return !calls;
}

/** Whether the way forward of the same file has made it: what was there before is not its to take. */
export function isMadeBy(up: readonly ReadStatement[], taken: Taken): boolean {
  if (taken.kind === "unknown") return false;
  const isIts = (name: string): boolean =>
    keyOfName(name) === keyOfName((taken.kind === "table" ? taken.name : taken.table).replaceAll('"', ""));
  return up.some(({ changes }) =>
    changes.some((change) => {
      if (change.kind === "create-table") return isIts(change.table);
      return (
        taken.kind === "column" &&
        change.kind === "add-column" &&
        isIts(change.table) &&
        change.column.name === taken.column
      );
    }),
  );
}
