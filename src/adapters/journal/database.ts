import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { FaultError } from "../../core/fault.ts";
import { closeToOthers } from "../../local/state-folder.ts";
import { BUSY_MS, isBusy, patiently, unavailable } from "./busy.ts";

/**
 * What makes each layout of the one before it, the first of nothing. A step that was published never changes: a folder of
 * any earlier Tidegate is brought here through the same steps.
 */
const LAYOUTS: readonly string[] = [
  `
  CREATE TABLE IF NOT EXISTS events (
    release INTEGER NOT NULL, seq INTEGER NOT NULL, format INTEGER NOT NULL, type TEXT NOT NULL,
    wall INTEGER NOT NULL, watched INTEGER NOT NULL, epoch INTEGER NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL,
    PRIMARY KEY (release, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS releases (
    release INTEGER PRIMARY KEY, app TEXT NOT NULL, environment TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT, release INTEGER, body TEXT NOT NULL, person TEXT NOT NULL, at INTEGER NOT NULL, answer TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS epochs (only INTEGER PRIMARY KEY CHECK (only = 1), epoch INTEGER NOT NULL) STRICT;
  INSERT OR IGNORE INTO epochs VALUES (1, 0);
  `,
  `ALTER TABLE releases ADD COLUMN settled INTEGER NOT NULL DEFAULT 0;`,
];

/** A folder with a higher one was written by a newer Tidegate. */
const LAYOUT = LAYOUTS.length;

/** A file of SQLite that waits a moment where another holds it. */
export function open(path: string): DatabaseSync {
  try {
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    return database;
  } catch (error) {
    throw unavailable(path, error);
  }
}

/** The journal with its tables; where nothing can be written, to be read as it lies. Faults: journal-unavailable, state-newer. */
export async function openPrepared(path: string): Promise<DatabaseSync> {
  const database = open(path);
  try {
    await patiently(path, () => {
      prepare(database, path);
      closeToOthers(path, 0o600);
    });
    return database;
  } catch (error) {
    database.close();
    const asItLies = error instanceof FaultError && !isBusy(error.cause) ? openAsItLies(path) : null;
    if (asItLies === null) throw error;
    return asItLies;
  }
}

/**
 * To read alone, without the side files that SQLite wants to make: where the disk is full or the folder somebody else's,
 * people must still see where things stand. null: it is not whole without them, or no journal.
 */
function openAsItLies(path: string): DatabaseSync | null {
  if ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return null;
  const url = pathToFileURL(path);
  url.searchParams.set("immutable", "1");
  try {
    const database = new DatabaseSync(url, { readOnly: true });
    const layout = layoutOf(database);
    if (layout > 0 && layout <= LAYOUT) return database;
    database.close();
  } catch {
    // What went wrong first says more.
  }
  return null;
}

/** Whether the folder's layout tells which releases are settled; the first one did not. */
export function knowsSettled(database: DatabaseSync): boolean {
  return layoutOf(database) >= 2;
}

function layoutOf(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
}

function prepare(database: DatabaseSync, path: string): void {
  const layout = layoutOf(database);
  if (layout > LAYOUT) {
    throw new FaultError({
      code: "state-newer",
      what: "This state folder was written by a newer version of Tidegate.",
      where: path,
      fix: "use that version or a later one",
    });
  }
  if (layout > 0) {
    database.exec("PRAGMA synchronous = FULL");
    return;
  }
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  bringUpToDate(database);
}

/**
 * Only for a new folder, and for whoever holds the actor lock: an engine of an earlier Tidegate may still be acting on the
 * layout that it knows. Until then newer ones read, and ask, in the earlier layout.
 */
export function bringUpToDate(database: DatabaseSync): void {
  if (layoutOf(database) === LAYOUT) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    // Another process may have done it while this one waited.
    for (const step of LAYOUTS.slice(layoutOf(database))) database.exec(step);
    database.exec(`PRAGMA user_version = ${LAYOUT}; COMMIT`);
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
