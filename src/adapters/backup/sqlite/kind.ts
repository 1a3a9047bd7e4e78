import type { BackupKind } from "../kind.ts";
import { copySqlite, decodeSqlite } from "./copy.ts";
import { noticeOf } from "../notices.ts";
import type { Notice } from "../../../ports/notice.ts";
import { engineOf, openSqlite } from "./open.ts";
import { dumpSqlite } from "./dump.ts";
import { outlookSqlite, restoreSqlite, type SqlitePlace } from "./restore.ts";

/** Backups of a file of SQLite. */
export function sqliteBackups(place: SqlitePlace): BackupKind {
  return {
    extension: "sqlite",
    dump: (order) => dumpSqlite(place.path, order),
    decode: (stored, going) => decodeSqlite(stored, place.programs, going),
    copy: (stored, going) => copySqlite(stored, place.programs, going),
    notices: () => noticesAt(place.path),
    outlook: (stored, into, going) => outlookSqlite(place, stored, into, going),
    restore: (stored, { into }, going) => restoreSqlite(place, stored, into, going),
  };
}

async function noticesAt(path: string): Promise<readonly Notice[]> {
  try {
    const database = await openSqlite(path);
    const version = engineOf(database);
    database.close();
    return [{ about: "database", level: "ok", sentence: `SQLite ${version}, ${path}` }];
  } catch (error) {
    return [noticeOf(error)];
  }
}
