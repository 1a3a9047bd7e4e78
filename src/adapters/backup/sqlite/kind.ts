import type { BackupKind } from "../kind.ts";
import { copySqlite, decodeSqlite } from "./copy.ts";
import { noticeOf } from "../notices.ts";
import type { Notice } from "../../../ports/notice.ts";
import { toldInWords } from "../../database/sqlite/file-faults.ts";
import { beginReading, countObjects, engineOf, openSqlite } from "./open.ts";
import { dumpSqlite } from "./dump.ts";
import { outlookSqlite, restoreSqlite, type SqlitePlace } from "./restore.ts";

/** Backups of a file of SQLite. */
export function sqliteBackups(place: SqlitePlace): BackupKind {
  return {
    extension: "sqlite",
    dump: (order) => toldInWords(place.path, () => dumpSqlite(place.path, order)),
    decode: (stored, going) => decodeSqlite(stored, place.programs, going),
    copy: (stored, going) => copySqlite(stored, place.programs, going),
    notices: (signal) => noticesAt(place.path, signal),
    outlook: (stored, into, going) => outlookSqlite(place, stored, into, going),
    restore: (stored, { into }, going) => restoreSqlite(place, stored, into, going),
  };
}

/** A look at it must not take long. */
const LOOK_MS = 3_000;

async function noticesAt(path: string, signal: AbortSignal): Promise<readonly Notice[]> {
  try {
    using database = await openSqlite(path);
    await beginReading(database, path, { signal, boundMs: LOOK_MS }, countObjects);
    const version = engineOf(database);
    return [{ about: "database", level: "ok", sentence: `SQLite ${version}, ${path}` }];
  } catch (error) {
    return [noticeOf(error)];
  }
}
