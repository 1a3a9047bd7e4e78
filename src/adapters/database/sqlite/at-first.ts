import type { AtFirst } from "../empty-at-first.ts";
import { OWN_TABLES, readHistory, writeTold } from "./ledger.ts";
import { reading, type Session } from "./session.ts";

export function atFirst(session: Session): AtFirst {
  return {
    isEmpty: () =>
      reading(session, (database) =>
        database
          .prepare(
            "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
          )
          .all()
          .every(({ name }) => OWN_TABLES.has(String(name))),
      ),
    history: () => reading(session, readHistory),
    note: (told) => reading(session, (database) => writeTold(database, told, Date.now())),
  };
}
