import type { BackupKind } from "../kind.ts";
import { copySqlite, decodeSqlite } from "./copy.ts";
import { dumpSqlite } from "./dump.ts";
import { outlookSqlite, restoreSqlite, type SqlitePlace } from "./restore.ts";

/** Backups of a file of SQLite. */
export function sqliteBackups(place: SqlitePlace): BackupKind {
  return {
    extension: "sqlite",
    dump: (order) => dumpSqlite(place.path, order),
    decode: (stored, going) => decodeSqlite(stored, place.programs, going),
    copy: (stored, going) => copySqlite(stored, place.programs, going),
    outlook: (stored, into, going) => outlookSqlite(place, stored, into, going),
    restore: (stored, { into }, going) => restoreSqlite(place, stored, into, going),
  };
}
