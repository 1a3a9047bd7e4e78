import type { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { existsSync } from "node:fs";
import { FaultError } from "../../../core/fault.ts";
import { identify } from "../../../local/process-identity.ts";
import type { LockHolder } from "../../../ports/migrations.ts";
import { asReader } from "./file-faults.ts";
import { holderWords, livingHolder } from "./holder.ts";
import { prepareLedger } from "./ledger.ts";
import { BUSY_MS, untilFree, type Waiting } from "./until-free.ts";

/** A file of SQLite, made where it is missing and that is wanted; else one in memory. Faults: migration-blocked; what SQLite says. */
export async function openFile(path: string, isMade: boolean, waiting: Waiting): Promise<DatabaseSync> {
  const { DatabaseSync: Sqlite } = await import("node:sqlite");
  if (!isMade && !existsSync(path)) return new Sqlite(":memory:");
  // Keys are not looked after while a table is made anew, as in the sqlite3 shell and in dbmate; they are checked before each commit.
  const database = new Sqlite(path, { timeout: BUSY_MS, enableForeignKeyConstraints: false });
  try {
    await untilFree(path, waiting, () => database.prepare("SELECT count(*) FROM sqlite_schema").get());
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** What a file holds in one moment; as an empty one where there is none. Faults: as of openFile. */
export async function readFile<T>(path: string, waiting: Waiting, read: (database: DatabaseSync) => T): Promise<T> {
  try {
    using database = await openFile(path, false, waiting);
    return await untilFree(path, waiting, () => {
      database.exec("BEGIN");
      try {
        return read(database);
      } finally {
        if (database.isTransaction) database.exec("ROLLBACK");
      }
    });
  } catch (error) {
    throw asReader(error);
  }
}

export interface Session extends AsyncDisposable, Waiting {
  readonly database: DatabaseSync;
  readonly path: string;
}

export interface SessionAsk extends Waiting {
  readonly path: string;
  readonly application: string;
  readonly otherRunMs: number;
  readonly onWait: (holder: LockHolder | null) => void;
  readonly onlyTries: boolean;
  /** Whether a file that is missing is made. */
  readonly isMade: boolean;
}

/** Faults: migration-locked, migration-blocked. */
export async function openSession(ask: SessionAsk): Promise<Session> {
  const { path, signal, boundMs, onWait, onlyTries } = ask;
  const database = await openFile(path, ask.isMade, ask);
  const session = { database, path, signal, boundMs, onWait };
  try {
    if (onlyTries) return { ...session, [Symbol.asyncDispose]: async () => database.close() };
    await immediately(session, () => prepareLedger(database));
    await takeLock(session, ask);
    return { ...session, [Symbol.asyncDispose]: () => releaseLock(session) };
  } catch (error) {
    database.close();
    throw error;
  }
}

type Opened = Omit<Session, typeof Symbol.asyncDispose>;

async function takeLock(session: Opened, { application, otherRunMs, onWait }: SessionAsk): Promise<void> {
  const { database, signal } = session;
  const endsAt = performance.now() + otherRunMs;
  for (let isTold = false; ;) {
    const holder = await immediately(session, () => {
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
        where: holderWords(holder),
        fix: "wait until it is done, then: tidegate migrate status",
      });
    if (!isTold) onWait(holder);
    isTold = true;
    await delay(200, undefined, { signal });
  }
}

/** An engine lives on: what it left would be its own next run's lock. */
const RELEASE_MS = 5_000;

async function releaseLock({ database, path }: Opened): Promise<void> {
  const waiting = { signal: new AbortController().signal, boundMs: RELEASE_MS };
  try {
    await untilFree(path, waiting, () =>
      database.exec(`DELETE FROM tidegate_migration_lock WHERE pid = ${process.pid}`),
    );
  } catch {
    // Whoever comes next sees that this process is gone.
  } finally {
    database.close();
  }
}

/** Looks at something outside a transaction. Faults: migration-blocked. */
export function reading<T>(session: Opened, read: (database: DatabaseSync) => T): Promise<T> {
  return untilFree(session.path, session, () => read(session.database));
}

/**
 * Readers that are under way keep SQLite from committing where it has no write-ahead log, and new ones wait behind it: not for as long as for
 * the right to write.
 */
const COMMIT_MS = 5_000;

/** In a transaction that has the right to write from its beginning; waits for other writers, within the bound. Faults: migration-blocked. */
export async function immediately<T>(session: Opened, work: () => T | Promise<T>): Promise<T> {
  const { database, path, signal, boundMs } = session;
  await beginWriting(session);
  try {
    const result = await work();
    await untilFree(path, { signal, boundMs: Math.min(boundMs, COMMIT_MS) }, () => database.exec("COMMIT"));
    return result;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

/** Faults: migration-blocked. */
export function beginWriting(session: Opened): Promise<void> {
  return untilFree(session.path, session, () => session.database.exec("BEGIN IMMEDIATE"));
}
