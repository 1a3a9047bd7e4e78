import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import type { DatabaseSync } from "node:sqlite";
import { FaultError } from "../../../core/fault.ts";
import { missingFile, unreachableFile } from "../../database/sqlite/unreachable.ts";

/** Others may be writing for as long as this. */
const BUSY_MS = 10_000;

/** Where the file lies that an address is of: `sqlite:data/shop.db`, relative to the plan file; `sqlite:///var/lib/shop.db`. */
export function pathOf(url: string, folder: string): string {
  const written = url.replace(/^sqlite3?:/i, "").replace(/\?.*$/s, "");
  // An empty host, as in file:///path; SQLAlchemy writes one slash more.
  return resolve(folder, written.replace(/^\/\/(?=\/)/, "").replace(/^\/{2,}/, "/"));
}

/** An existing one. `isStill`: nobody changes it, and nothing is to be made beside it. Faults: database-not-made-yet, database-unreachable. */
export async function openSqlite(path: string, { isStill = false } = {}): Promise<DatabaseSync> {
  const { DatabaseSync: Sqlite } = await import("node:sqlite");
  if (!existsSync(path)) throw missingFile(path);
  const database = isStill
    ? new Sqlite(`${pathToFileURL(path).href}?immutable=1`, { readOnly: true })
    : new Sqlite(path, { timeout: BUSY_MS });
  try {
    database.prepare("SELECT count(*) FROM sqlite_schema").get();
    return database;
  } catch (error) {
    database.close();
    throw unreachableFile(path, "This file can't be read as a database of SQLite.", String(error));
  }
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
