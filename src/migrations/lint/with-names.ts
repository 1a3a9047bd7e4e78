import type { Change } from "./change.ts";

/** The change with other names for the tables, types and the like that it is about. Names of columns and constraints stay. */
export function withNames(change: Change, named: (name: string) => string): Change {
  switch (change.kind) {
    case "create-table":
    case "add-column":
    case "drop-column":
    case "change-type":
    case "set-not-null":
    case "drop-default":
    case "add-constraint":
    case "validate-constraint":
    case "drop-constraint":
    case "rewrite-table":
    case "detach-partition":
    case "row-security":
    case "alter-table":
    case "create-index":
    case "create-trigger":
    case "write-rows":
      return { ...change, table: named(change.table) };
    case "repack":
      return { ...change, table: change.table === null ? null : named(change.table) };
    case "truncate":
    case "lock-table":
      return { ...change, tables: change.tables.map(named) };
    case "refresh-view":
      return { ...change, view: named(change.view) };
    case "drop":
      return HAS_SCHEMA.has(change.what) ? { ...change, names: change.names.map(named) } : change;
    case "rename": {
      if (change.what === "schema" || change.what === "other") return change;
      const of = named(change.of);
      return { ...change, of, from: change.from === change.of ? of : change.from };
    }
    case "create-object":
      return change.isSchema ? change : { ...change, name: named(change.name) };
    case "move-schema":
    case "create-type":
    case "create-domain":
    case "constrain-domain":
      return { ...change, name: named(change.name) };
    case "add-enum-value":
    case "rename-enum-value":
      return { ...change, type: named(change.type) };
    case "drop-owned":
    case "reindex":
    case "revoke":
    case "set":
    case "begin":
    case "end":
    case "none":
    case "other":
      return change;
  }
}

const HAS_SCHEMA: ReadonlySet<string> = new Set(["table", "index", "view", "type", "function", "sequence"]);
