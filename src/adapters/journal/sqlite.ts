import { statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { Happened } from "../../core/event.ts";
import { FaultError } from "../../core/fault.ts";
import { EVENT_FORMAT, upcast } from "../../core/upcast.ts";
import { closeToOthers, createStateFolder, type StateFolder } from "../../local/state-folder.ts";
import type { Journal, Request, StoredEvent } from "../../ports/journal.ts";
import { chain } from "./chain.ts";

/** `node:sqlite` is synchronous: a wait for a lock blocks the loop, so it is short and repeated from outside. */
const BUSY_MS = 50;
const BUSY_TRIES = 40;

/** The layout below; a folder with a higher one was written by a newer Tidegate. */
const LAYOUT = 1;

const TABLES = `
  CREATE TABLE IF NOT EXISTS events (
    release INTEGER NOT NULL, seq INTEGER NOT NULL, format INTEGER NOT NULL, type TEXT NOT NULL,
    wall INTEGER NOT NULL, watched INTEGER NOT NULL, epoch INTEGER NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL,
    PRIMARY KEY (release, seq)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS releases (
    release INTEGER PRIMARY KEY, app TEXT NOT NULL, environment TEXT NOT NULL, settled INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS requests (
    id INTEGER PRIMARY KEY AUTOINCREMENT, release INTEGER, body TEXT NOT NULL, person TEXT NOT NULL, at INTEGER NOT NULL, answer TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS epochs (only INTEGER PRIMARY KEY CHECK (only = 1), epoch INTEGER NOT NULL) STRICT;
  INSERT OR IGNORE INTO epochs VALUES (1, 0);
`;

/** The journal in the state folder: SQLite, WAL, synchronous=FULL, so that what was appended outlives a power cut. */
export async function openSqliteJournal(folder: StateFolder): Promise<Journal> {
  createStateFolder(folder);
  const path = folder.file("journal.db");
  const database = await openPrepared(path);
  const run = <T>(work: () => T): Promise<T> => patiently(path, work);

  return {
    releases: (of) =>
      run(() =>
        (of === undefined
          ? database.prepare("SELECT release FROM releases ORDER BY release DESC").all()
          : database
              .prepare("SELECT release FROM releases WHERE app = ? AND environment = ? ORDER BY release DESC")
              .all(of.app, of.environment)
        ).map(({ release }) => Number(release)),
      ),
    open: () =>
      run(() =>
        database
          .prepare(
            `SELECT release FROM releases AS each
             WHERE settled < (SELECT max(seq) FROM events WHERE release = each.release) ORDER BY release DESC`,
          )
          .all()
          .map(({ release }) => Number(release)),
      ),
    settle: (release, seq) =>
      run(() => void database.prepare("UPDATE releases SET settled = ? WHERE release = ?").run(seq, release)),
    read: (release, from = 1) =>
      run(() =>
        database
          .prepare("SELECT * FROM events WHERE release = ? AND seq >= ? ORDER BY seq")
          .all(release, from)
          .map(toStored),
      ),
    append: (release, after, events, epoch) => run(() => append(database, path, release, after, events, epoch)),
    ask: ({ release, body, by, at }) =>
      run(() =>
        Number(
          database
            .prepare("INSERT INTO requests (release, body, person, at) VALUES (?, ?, ?, ?)")
            .run(release, JSON.stringify(body), by, at).lastInsertRowid,
        ),
      ),
    openRequests: () =>
      run(() =>
        database
          .prepare("SELECT * FROM requests WHERE answer IS NULL ORDER BY id")
          .all()
          .map((row): Request => ({
            id: Number(row["id"]),
            release: row["release"] === null ? null : Number(row["release"]),
            body: JSON.parse(String(row["body"])) as unknown,
            by: String(row["person"]),
            at: Number(row["at"]),
          })),
      ),
    answer: (request, answer) =>
      run(
        () =>
          void database
            .prepare("UPDATE requests SET answer = ? WHERE id = ? AND answer IS NULL")
            .run(JSON.stringify(answer), request),
      ),
    answerTo: (request) =>
      run(() => {
        const answer = database.prepare("SELECT answer FROM requests WHERE id = ?").get(request)?.["answer"];
        return typeof answer === "string" ? (JSON.parse(answer) as unknown) : null;
      }),
    raiseEpoch: (above = 0) =>
      run(() =>
        Number(database.prepare("UPDATE epochs SET epoch = max(epoch, ?) + 1 RETURNING epoch").get(above)?.["epoch"]),
      ),
    epoch: () => run(() => Number(database.prepare("SELECT epoch FROM epochs").get()?.["epoch"])),
    takeActorLock: () => Promise.resolve(takeActorLock(folder)),
    [Symbol.asyncDispose]: () => {
      database.close();
      return Promise.resolve();
    },
  };
}

function open(path: string): DatabaseSync {
  try {
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    return database;
  } catch (error) {
    throw unavailable(path, error);
  }
}

async function openPrepared(path: string): Promise<DatabaseSync> {
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
    if (layoutOf(database) === LAYOUT) return database;
    database.close();
  } catch {
    // What went wrong first says more.
  }
  return null;
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
  if (layout === LAYOUT) {
    database.exec("PRAGMA synchronous = FULL");
    return;
  }
  database.exec(
    `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; BEGIN IMMEDIATE; ${TABLES} PRAGMA user_version = ${LAYOUT}; COMMIT;`,
  );
}

function append(
  database: DatabaseSync,
  path: string,
  release: number,
  after: number,
  events: readonly Happened[],
  epoch: number,
): readonly StoredEvent[] {
  database.exec("BEGIN IMMEDIATE");
  try {
    const last = database
      .prepare("SELECT seq, hash FROM events WHERE release = ? ORDER BY seq DESC LIMIT 1")
      .get(release);
    const found = Number(last?.["seq"] ?? 0);
    if (found !== after) {
      throw new FaultError({
        code: "journal-conflict",
        what: `Release ${release} has ${found} events where ${after} were expected: somebody else appended.`,
        where: path,
        fix: "only one engine may act; tidegate status says which",
      });
    }
    let hash = String(last?.["hash"] ?? "");
    const insert = database.prepare("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    const stored = events.map(({ event, at }, index): StoredEvent => {
      const seq = after + 1 + index;
      const body = JSON.stringify(event);
      const wall = Math.round(at.wall);
      const watched = Math.round(at.watched);
      hash = chain(hash, release, seq, EVENT_FORMAT, wall, watched, epoch, body);
      insert.run(release, seq, EVENT_FORMAT, event.type, wall, watched, epoch, body, hash);
      if (event.type === "planned")
        database.prepare("INSERT INTO releases VALUES (?, ?, ?, 0)").run(release, event.app, event.environment);
      return { release, seq, epoch, event, at: { wall, watched }, hash };
    });
    database.exec("COMMIT");
    return stored;
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function toStored(row: Record<string, unknown>): StoredEvent {
  return {
    release: Number(row["release"]),
    seq: Number(row["seq"]),
    epoch: Number(row["epoch"]),
    at: { wall: Number(row["wall"]), watched: Number(row["watched"]) },
    event: upcast(Number(row["format"]), JSON.parse(String(row["body"])) as { type: string }),
    hash: String(row["hash"]),
  };
}

/**
 * An exclusive SQLite lock: freed at once when its holder is killed, held while it is stopped, with no time-out to
 * guess.
 */
function takeActorLock(folder: StateFolder): AsyncDisposable | null {
  const lock = open(folder.file("actor.lock"));
  try {
    lock.exec("PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    if (isBusy(error)) return null;
    throw unavailable(folder.file("actor.lock"), error);
  }
  return {
    [Symbol.asyncDispose]: () => {
      lock.close();
      return Promise.resolve();
    },
  };
}

async function patiently<T>(path: string, work: () => T): Promise<T> {
  for (let left = BUSY_TRIES; ; left -= 1) {
    try {
      return work();
    } catch (error) {
      if (error instanceof FaultError) throw error;
      if (!isBusy(error) || left <= 0) throw unavailable(path, error);
    }
    await sleep(5 + Math.random() * 20);
  }
}

function isBusy(error: unknown): boolean {
  const code = (error as { errcode?: number } | null)?.errcode;
  return code !== undefined && (code & 0xff) === 5;
}

function unavailable(path: string, error: unknown): FaultError {
  const cause = error instanceof Error ? error.message : String(error);
  return new FaultError(
    { code: "journal-unavailable", ...reasonOf(path, error), where: path, cause },
    { cause: error },
  );
}

/** SQLite keeps a page of its own in hand, so it fails before the last byte is gone. */
const FULL_BYTES = 128 * 1024;

function reasonOf(path: string, error: unknown): { readonly what: string; readonly fix: string } {
  if (isBusy(error))
    return {
      what: "Another process keeps the journal locked.",
      fix: `see which: fuser -v ${path} ; Tidegate itself never holds it for longer than an instant`,
    };
  if (freeBytes(dirname(path)) < FULL_BYTES)
    return {
      what: "The journal can't be written: the disk is full.",
      fix: `make room (df -h ${dirname(path)}), then do it again; what runs goes on running`,
    };
  return {
    what: "The journal can't be read or written.",
    fix: "check that the disk has room and that the folder belongs to you",
  };
}

function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
