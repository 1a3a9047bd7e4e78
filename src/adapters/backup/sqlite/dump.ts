import { chmod, open, rm } from "node:fs/promises";
import { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import type { DatabaseSync } from "node:sqlite";
import { USUAL_PATIENCE } from "../../database/patience.ts";
import { livingHolder } from "../../database/sqlite/holder.ts";
import type { LockHolder } from "../../../ports/migrations.ts";
import type { DumpOrder, Dumped } from "../kind.ts";
import { sumOf, type Written, writeBackup, writingFault } from "../written-file.ts";
import { contentsOf } from "./contents.ts";
import { beginReading, bytesOf, engineOf, openSqlite } from "./open.ts";

const CHUNK = 1 << 20;
const LOOK_MS = 200;

/**
 * Copies a database page by page and sums up its rows in the same read transaction. With a write-ahead log writers go on meanwhile and
 * change nothing of it; without one they wait for its end, as for any reader.
 */
export async function dumpSqlite(path: string, order: DumpOrder): Promise<Dumped> {
  const database = await openSqlite(path);
  try {
    const startedAt = performance.now();
    await beginUnmigrated(database, path, order);
    const written =
      order.through === null ? await copied(database, order) : await sealed(database, order, order.through);
    const contents = await contentsOf(database, order.signal);
    database.exec("COMMIT");
    const engine = engineOf(database);
    return {
      written,
      contents,
      place: path,
      engine,
      tool: `SQLite ${engine}`,
      restorePoint: null,
      dumpMs: Math.round(performance.now() - startedAt),
      notes: [],
    };
  } finally {
    database.close();
  }
}

/** Begins the transaction in a moment in which nobody migrates: a migration's lock would be in the backup too. */
async function beginUnmigrated(database: DatabaseSync, path: string, { signal, tell }: DumpOrder): Promise<void> {
  const onWait = (holder: LockHolder | null): void => {
    const who = holder === null ? "whoever has it locked" : `${holder.application} (process ${holder.pid})`;
    tell({ kind: "waiting-for-lock", what: `Waits for ${who} to be done with the database.` });
  };
  const waiting = { signal, boundMs: USUAL_PATIENCE.boundMs, onWait };
  for (let isTold = false; ;) {
    const holder = await beginReading(database, path, waiting, livingHolder);
    if (holder === null) return;
    database.exec("COMMIT");
    if (!isTold) onWait(holder);
    isTold = true;
    await delay(LOOK_MS, undefined, { signal });
  }
}

/** Not through this process: SQLite writes the file, and what lies there is read back for its sum. */
async function copied(database: DatabaseSync, { path, signal }: DumpOrder): Promise<Written> {
  const { backup } = await import("node:sqlite");
  const file = await open(path, "wx", 0o600);
  try {
    // Within the transaction above nobody's writes make it begin again.
    await backup(database, path, { rate: 4_096, progress: () => signal.throwIfAborted() });
    await file.sync();
    await chmod(path, 0o600);
    return { bytes: (await file.stat()).size, sha256: await sumOf(path, signal) };
  } catch (error) {
    signal.throwIfAborted();
    // SQLITE_FULL.
    const isFull = (error as { errcode?: number }).errcode === 13;
    throw writingFault(
      isFull ? Object.assign(new Error("full"), { code: "ENOSPC" }) : error,
      path,
      (await file.stat()).size,
    );
  } finally {
    await file.close();
    await rm(`${path}-journal`, { force: true });
  }
}

async function sealed(
  database: DatabaseSync,
  order: DumpOrder,
  through: NonNullable<DumpOrder["through"]>,
): Promise<Written> {
  const bytes = bytesOf(database);
  const age = await through();
  try {
    return await writeBackup(Readable.from(chunksOf(bytes)), order.path, { through: age, signal: order.signal });
  } finally {
    age.stop();
  }
}

function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}
