import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { DatabaseSync, DatabaseSyncOptions } from "node:sqlite";
import { FaultError } from "../../../core/fault.ts";
import { asReader, toldInWords } from "../../database/sqlite/file-faults.ts";
import { missingFile } from "../../database/sqlite/unreachable.ts";
import { BUSY_MS, untilFree, type Waiting } from "../../database/sqlite/until-free.ts";

/** Where the file lies that an address is of: `sqlite:data/shop.db`, relative to the plan file; `sqlite:///var/lib/shop.db`. */
export function pathOf(url: string, folder: string): string {
  const written = url.replace(/^sqlite3?:/i, "").replace(/\?.*$/s, "");
  // An empty host, as in file:///path; SQLAlchemy writes one slash more.
  return resolve(folder, written.replace(/^\/\/(?=\/)/, "").replace(/^\/{2,}/, "/"));
}

/** An existing one that nobody changes: nothing is made beside it. Faults: database-not-made-yet; what SQLite says of the file. */
export async function openStill(path: string): Promise<DatabaseSync> {
  return await opened(path, `${pathToFileURL(path).href}?immutable=1`, { readOnly: true });
}

/** An existing one that others use. Faults: as of openStill. */
export async function openSqlite(path: string): Promise<DatabaseSync> {
  return await opened(path, path, { timeout: BUSY_MS });
}

async function opened(path: string, address: string, options: DatabaseSyncOptions): Promise<DatabaseSync> {
  const { DatabaseSync: Sqlite } = await import("node:sqlite");
  if (!existsSync(path)) throw missingFile(path);
  return await toldInWords(path, () => new Sqlite(address, options));
}

/** Begins a transaction that reads what is there now; `look` is its first look. Faults: database-locked; what else SQLite says of the file. */
export async function beginReading<T>(
  database: DatabaseSync,
  path: string,
  waiting: Waiting,
  look: (database: DatabaseSync) => T,
): Promise<T> {
  try {
    return await toldInWords(path, () =>
      untilFree(path, waiting, () => {
        database.exec("BEGIN");
        try {
          return look(database);
        } catch (error) {
          if (database.isTransaction) database.exec("ROLLBACK");
          throw error;
        }
      }),
    );
  } catch (error) {
    throw asReader(error, "database-locked");
  }
}

export function countObjects(database: DatabaseSync): number {
  return Number(database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"]);
}

/** A database in memory alone, made of a file's bytes. Faults: backup-needs-newer-node. */
export async function inMemory(bytes: Uint8Array): Promise<DatabaseSync> {
  const { DatabaseSync: Sqlite } = await import("node:sqlite");
  const database = new Sqlite(":memory:");
  refuseOldNode(database);
  // Its log lies in another file, which memory has none of; nothing else says so.
  bytes[18] = 1;
  bytes[19] = 1;
  database.deserialize(bytes);
  return database;
}

/** All of a database as bytes, in the transaction that it is in. Faults: backup-needs-newer-node. */
export function bytesOf(database: DatabaseSync): Uint8Array {
  refuseOldNode(database);
  return database.serialize();
}

function refuseOldNode(database: DatabaseSync): void {
  if ("serialize" in database && "deserialize" in database) return;
  throw new FaultError({
    code: "backup-needs-newer-node",
    what: `Encrypted backups of SQLite need Node 24.16 or later, and this is ${process.versions.node}: an older one can only write them in plain text first.`,
    fix: "install a newer Node; or leave out database: { backups: { encryptTo } }",
  });
}

/** What is wrong in the file, as SQLite says it; none: every page was read, and fits. */
export function integrityOf(database: DatabaseSync): readonly string[] {
  const rows = database.prepare("PRAGMA integrity_check(10)").all() as { integrity_check: string }[];
  const said = rows.map(({ integrity_check: line }) => line);
  return said.length === 1 && said[0] === "ok" ? [] : said;
}

export function engineOf(database: DatabaseSync): string {
  return (database.prepare("SELECT sqlite_version() AS version").get() as { version: string }).version;
}
