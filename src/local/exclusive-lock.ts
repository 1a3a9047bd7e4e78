import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";

/** Held by one process of this machine at a time. The kernel frees it when that process dies, however it dies. */
export interface ExclusiveLock extends Disposable {
  release(): void;
}

/**
 * Takes the lock that a file stands for; null while somebody else, in this process or another, holds it. An exclusive
 * SQLite transaction: Node has no other lock that survives no kill -9 and needs no time-out to guess.
 */
export function tryLock(path: string): ExclusiveLock | null {
  const database = new DatabaseSync(path);
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    // The rest of the code says why it is busy.
    if (((error as { errcode?: number }).errcode ?? 0) % 256 === SQLITE_BUSY) return null;
    throw error;
  }
  let held = true;
  const release = (): void => {
    if (held) database.close();
    held = false;
  };
  return { release, [Symbol.dispose]: release };
}

/** Waits for the lock. Rejects with the signal's reason when aborted. */
export async function lock(path: string, signal?: AbortSignal): Promise<ExclusiveLock> {
  for (let waitMs = 5; ; waitMs = Math.min(waitMs * 2, 200)) {
    signal?.throwIfAborted();
    const taken = tryLock(path);
    if (taken !== null) return taken;
    await delay(waitMs, undefined, signal === undefined ? {} : { signal });
  }
}

const SQLITE_BUSY = 5;
