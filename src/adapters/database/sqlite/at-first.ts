import type { DatabaseSync } from "node:sqlite";
import type { AtFirst } from "../empty-at-first.ts";
import { OWN_TABLES, readHistory, writeTold } from "./ledger.ts";

export function atFirst(database: DatabaseSync): AtFirst {
  return {
    isEmpty: async () =>
      database
        .prepare(
          "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
        )
        .all()
        .every(({ name }) => OWN_TABLES.has(String(name))),
    history: async () => readHistory(database),
    note: async (told) => writeTold(database, told, Date.now()),
  };
}
