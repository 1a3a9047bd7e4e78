import type { DatabaseSync } from "node:sqlite";
import type { Happened } from "../../core/release/event.ts";
import { FaultError } from "../../core/fault.ts";
import { EVENT_FORMAT, type StoredBody, upcast } from "../../core/release/upcast.ts";
import { createStateFolder, type StateFolder } from "../../local/state-folder.ts";
import type { Journal, Request, StoredEvent } from "../../ports/journal.ts";
import { type ActorLock, takeActorLock } from "./actor-lock.ts";
import { patiently } from "./busy.ts";
import { chain } from "./chain.ts";
import { sameJournalAs } from "./same-file.ts";
import { staleEpoch } from "./stale-epoch.ts";
import { bringUpToDate, knowsSettled, openPrepared } from "./database.ts";

/** The journal in the state folder: SQLite, WAL, synchronous=FULL, so that what was appended outlives a power cut. */
export async function openSqliteJournal(folder: StateFolder): Promise<Journal> {
  createStateFolder(folder);
  const path = folder.file("journal.db");
  const database = await openPrepared(path);
  const mustBeThere = sameJournalAs(path);
  let acting: ActorLock | null = null;
  const run = <T>(work: () => T): Promise<T> =>
    patiently(path, () => {
      mustBeThere();
      acting?.mustBeThere();
      return work();
    });

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
            knowsSettled(database)
              ? `SELECT release FROM releases AS each
                 WHERE settled < (SELECT max(seq) FROM events WHERE release = each.release) ORDER BY release DESC`
              : "SELECT release FROM releases ORDER BY release DESC",
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
    answer: (request, answer, epoch) => run(() => writeAnswer(database, request, answer, epoch)),
    answerTo: (request) =>
      run(() => {
        const answer = database.prepare("SELECT answer FROM requests WHERE id = ?").get(request)?.["answer"];
        return typeof answer === "string" ? (JSON.parse(answer) as unknown) : null;
      }),
    raiseEpoch: (above = 0) =>
      run(() =>
        Number(database.prepare("UPDATE epochs SET epoch = max(epoch, ?) + 1 RETURNING epoch").get(above)?.["epoch"]),
      ),
    epoch: () => run(() => epochOf(database)),
    takeActorLock: async () => {
      const lock = takeActorLock(folder);
      if (lock === null) return null;
      try {
        await run(() => bringUpToDate(database));
      } catch (error) {
        lock.release();
        throw error;
      }
      acting = lock;
      return {
        [Symbol.asyncDispose]: async () => {
          acting = null;
          lock.release();
        },
      };
    },
    [Symbol.asyncDispose]: () => {
      database.close();
      return Promise.resolve();
    },
  };
}

function writeAnswer(database: DatabaseSync, request: number, answer: unknown, epoch: number): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    refuseStale(database, epoch);
    database
      .prepare("UPDATE requests SET answer = ? WHERE id = ? AND answer IS NULL")
      .run(JSON.stringify(answer), request);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function refuseStale(database: DatabaseSync, epoch: number): void {
  const newest = epochOf(database);
  if (epoch < newest) throw staleEpoch(epoch, newest);
}

function epochOf(database: DatabaseSync): number {
  return Number(database.prepare("SELECT epoch FROM epochs").get()?.["epoch"]);
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
    refuseStale(database, epoch);
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
        database
          .prepare("INSERT INTO releases (release, app, environment) VALUES (?, ?, ?)")
          .run(release, event.app, event.environment);
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
    event: upcast(Number(row["format"]), JSON.parse(String(row["body"])) as StoredBody),
    hash: String(row["hash"]),
  };
}
