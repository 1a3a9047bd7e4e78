import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { existsSync } from "node:fs";
import { FaultError } from "../../../core/fault.ts";
import { identify, isSameProcess } from "../../../local/process-identity.ts";
import type { LockHolder } from "../../../ports/migrations.ts";
import { hasTable, prepareLedger } from "./ledger.ts";
import { unreachableFile } from "./unreachable.ts";

/** A file of SQLite, made where it is missing and that is wanted. Faults: database-unreachable. */
export async function openFile(path: string, isMade: boolean): Promise<DatabaseSync> {
  const { DatabaseSync: Sqlite } = await import("node:sqlite");
  if (!isMade && !existsSync(path)) return new Sqlite(":memory:");
  try {
    const database = new Sqlite(path, { timeout: BUSY_MS, enableForeignKeyConstraints: false });
    database.prepare("SELECT count(*) FROM sqlite_schema").get();
    return database;
  } catch (error) {
    throw unreachableFile(path, "This file can't be opened as a database of SQLite.", String(error));
  }
}

// Keys are not looked after while a table is made anew, as in the sqlite3 shell and in dbmate; they are checked before each commit.
/** Whoever writes for longer than this is waited for in between. */
const BUSY_MS = 200;

export interface Session extends Disposable {
  readonly database: DatabaseSync;
  readonly signal: AbortSignal;
  readonly boundMs: number;
}

export interface SessionAsk {
  readonly path: string;
  readonly application: string;
  readonly signal: AbortSignal;
  readonly boundMs: number;
  readonly otherRunMs: number;
  readonly onWait: (holder: LockHolder | null) => void;
  readonly onlyTries: boolean;
}

/** Faults: database-unreachable, migration-locked. */
export async function openSession(ask: SessionAsk): Promise<Session> {
  const { signal, boundMs, application, onlyTries } = ask;
  const database = await openFile(ask.path, !onlyTries);
  try {
    if (onlyTries) return { database, signal, boundMs, [Symbol.dispose]: () => database.close() };
    await immediately(database, { signal, boundMs }, () => prepareLedger(database));
    await takeLock(database, ask, application);
    const release = (): void => {
      try {
        database.exec(`DELETE FROM tidegate_migration_lock WHERE pid = ${process.pid}`);
      } catch {
        // Whoever comes next sees that this process is gone.
      }
      database.close();
    };
    return { database, signal, boundMs, [Symbol.dispose]: release };
  } catch (error) {
    database.close();
    throw error;
  }
}

async function takeLock(database: DatabaseSync, ask: SessionAsk, application: string): Promise<void> {
  const endsAt = performance.now() + ask.otherRunMs;
  for (let isTold = false; ;) {
    const holder = await immediately(database, ask, () => {
      const held = livingHolder(database);
      if (held !== null) return held;
      const { pid, bootId, startTicks } = identify(process.pid) ?? {
        pid: process.pid,
        bootId: "unknown",
        startTicks: 0,
      };
      database
        .prepare("INSERT OR REPLACE INTO tidegate_migration_lock VALUES (1, ?, ?, ?, ?, ?)")
        .run(pid, bootId, startTicks, application, Date.now());
      return null;
    });
    if (holder === null) return;
    if (performance.now() >= endsAt)
      throw new FaultError({
        code: "migration-locked",
        what: "Somebody else migrates this database now. Nothing was run.",
        where: `${holder.application} (process ${holder.pid}, since ${new Date(holder.since ?? 0).toISOString().replace(/\.\d+Z$/, "Z")})`,
        fix: "wait until it is done, then: tidegate migrate status",
      });
    if (!isTold) ask.onWait(holder);
    isTold = true;
    await delay(200, undefined, { signal: ask.signal });
  }
}

/** Who has the lock and lives; of a dead process it is nobody's. */
export function livingHolder(database: DatabaseSync): LockHolder | null {
  if (!hasTable(database, "tidegate_migration_lock")) return null;
  const row = database.prepare("SELECT pid, boot, ticks, application, since FROM tidegate_migration_lock").get();
  if (row === undefined) return null;
  const pid = Number(row["pid"]);
  const isAlive = isSameProcess({ pid, bootId: String(row["boot"]), startTicks: Number(row["ticks"]) });
  return isAlive ? { pid, application: String(row["application"]), since: Number(row["since"]) } : null;
}

/** In a transaction that has the right to write from its beginning; waits for other writers, within the bound. Faults: migration-blocked. */
export async function immediately<T>(
  database: DatabaseSync,
  { signal, boundMs }: { readonly signal: AbortSignal; readonly boundMs: number },
  work: () => T | Promise<T>,
): Promise<T> {
  await begin(database, signal, boundMs);
  try {
    const result = await work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

async function begin(database: DatabaseSync, signal: AbortSignal, boundMs: number): Promise<void> {
  const endsAt = performance.now() + boundMs;
  for (;;) {
    signal.throwIfAborted();
    try {
      database.exec("BEGIN IMMEDIATE");
      return;
    } catch (error) {
      if (((error as { errcode?: number }).errcode ?? 0) % 256 !== SQLITE_BUSY) throw error;
      if (performance.now() >= endsAt)
        throw new FaultError(
          {
            code: "migration-blocked",
            what: "Somebody else has been writing to this database all the time, and nothing was done.",
            fix: "look which process has the file open (lsof FILE), then run it again",
          },
          { cause: error },
        );
    }
    await delay(20 + Math.random() * 30, undefined, { signal });
  }
}

const SQLITE_BUSY = 5;
