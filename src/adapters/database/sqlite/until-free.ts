import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../../../core/fault.ts";
import { onOneLine } from "../../../core/text/plain-text.ts";
import type { LockHolder } from "../../../ports/migrations.ts";
import { inWords, isBusy } from "./file-faults.ts";
import { holderAt, holderWords } from "./holder.ts";
import { usersOf } from "./users-of.ts";

export interface Waiting {
  readonly signal: AbortSignal;
  /** How long others are waited for. */
  readonly boundMs: number;
  /** Told once, where it takes longer than a moment; with who migrates, as far as that can be read. */
  readonly onWait?: (holder: LockHolder | null) => void;
}

/** SQLite itself waits no longer than this at a time: it keeps its thread from everything else. */
export const BUSY_MS = 50;
const MOMENT_MS = 1_000;

/** Does the work, again and again within the bound where somebody else has the file locked. Faults: migration-blocked, with who that is. */
export async function untilFree<T>(path: string, { signal, boundMs, onWait }: Waiting, work: () => T): Promise<T> {
  const began = performance.now();
  for (let isTold = false; ;) {
    signal.throwIfAborted();
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw error;
      const waited = performance.now() - began;
      if (waited >= boundMs) throw await withWho(error, path);
      if (!isTold && waited >= MOMENT_MS) {
        isTold = true;
        onWait?.(await holderAt(path));
      }
    }
    await delay(20 + Math.random() * 30, undefined, { signal });
  }
}

async function withWho(error: unknown, path: string): Promise<unknown> {
  const told = inWords(error, path);
  if (!(told instanceof FaultError)) return told;
  const holder = await holderAt(path);
  const who = holder === null ? usersOf(path) : [holderWords(holder)];
  if (who.length === 0) return told;
  const fix = `wait until who has it is done (${onOneLine(who.join("; "), 120)}), then run it again`;
  return new FaultError({ ...told.fault, fix }, { cause: error });
}
