import type { Client } from "pg";
import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../../../core/fault.ts";
import type { LockHolder } from "../../../ports/migrations.ts";
import { formatDuration } from "../../../core/time/time.ts";
import { holderWords } from "../postgres/lock.ts";
import type { Session } from "../postgres/session.ts";
import { APPLICATION } from "./run-tool.ts";

const LOOK_MS = 100;
/** Shorter waits nobody feels, and nobody is told of. */
const TOLD_AFTER_MS = 100;

export interface WatchedSessions extends AsyncDisposable {
  readonly waitedMs: () => number;
  /** Who was in the way last. */
  readonly blockers: () => readonly InTheWay[];
}

export interface InTheWay {
  readonly pid: number;
  /** In words. */
  readonly who: string;
}

const WHO = `
SELECT b.pid, b.application_name AS application, b.state, (extract(epoch FROM clock_timestamp() - b.xact_start) * 1000)::bigint AS age
FROM pg_stat_activity a CROSS JOIN LATERAL unnest(pg_blocking_pids(a.pid)) AS w (pid) JOIN pg_stat_activity b ON b.pid = w.pid
WHERE a.application_name = $1 AND a.datname = current_database()`;

/** Looks from beside whom a tool's sessions wait for, and ends what waits for too long, or goes on after the lock is lost. */
export function watchSessions(
  session: Session,
  application: string,
  {
    tell,
    boundMs,
    end,
  }: { readonly tell: (blockers: readonly InTheWay[]) => void; readonly boundMs: number; readonly end: () => void },
): WatchedSessions {
  const { guard } = session;
  let since: number | null = null;
  let waitedMs = 0;
  let blockers: readonly InTheWay[] = [];
  const over = new AbortController();
  const look = async (): Promise<void> => {
    const { rows } = await guard.query<{ pid: number; application: string; state: string | null; age: string | null }>(
      WHO,
      [application],
    );
    const now = performance.now();
    if (rows.length === 0) {
      since = null;
      return;
    }
    since ??= now - LOOK_MS / 2;
    waitedMs = Math.max(waitedMs, Math.round(now - since));
    blockers = rows.map(({ pid, application: name, state, age }) => {
      const long = age === null ? "" : `, in a transaction for ${formatDuration(Math.round(Number(age) / 100) * 100)}`;
      const who = `${name === "" ? "a session" : name} (process ${pid} of the server${long}${state === "idle in transaction" ? ", which does nothing" : ""})`;
      return { pid, who };
    });
    if (now - since > TOLD_AFTER_MS) tell(blockers);
    if (now - since > boundMs) end();
  };
  const looking = (async () => {
    while (!over.signal.aborted) {
      await delay(LOOK_MS, undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted) return;
      await look().catch(() => undefined);
      try {
        session.requireLock();
      } catch {
        end();
      }
    }
  })();
  return {
    waitedMs: () => waitedMs,
    blockers: () => blockers,
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await looking;
    },
  };
}

/** Waits until they are done with what they had in the way: a tool that is started again for nothing takes a second each time. */
export async function waitForThem(
  guard: Client,
  blockers: readonly InTheWay[],
  { endsAt, signal }: { readonly endsAt: number; readonly signal: AbortSignal },
): Promise<void> {
  while (blockers.length > 0 && performance.now() < endsAt) {
    const { rows } = await guard.query("SELECT FROM pg_stat_activity WHERE pid = ANY ($1) AND xact_start IS NOT NULL", [
      blockers.map(({ pid }) => pid),
    ]);
    if (rows.length === 0) return;
    await delay(LOOK_MS, undefined, { signal });
  }
}

/** What the server still does for a tool that is dead already is ended, and taken back. */
export async function endSessions(guard: Client, application: string): Promise<void> {
  const endsAt = performance.now() + 10_000;
  for (;;) {
    const { rows } = await guard.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database() AND pid <> pg_backend_pid()",
      [application],
    );
    if (rows.length === 0 || performance.now() > endsAt) return;
    await delay(50);
  }
}

/** From the death of Tidegate to that of the tool, and of its statement. */
const LEFT_OVER_MS = 15_000;

/**
 * Waits for a tool that a killed run of Tidegate has left at work: whoever has the lock now knows that it is nobody else's. Faults: migration-locked.
 */
export async function waitForLeftOver(
  guard: Client,
  {
    waitMs,
    signal,
    onWait,
  }: { readonly waitMs: number; readonly signal: AbortSignal; readonly onWait: (holder: LockHolder) => void },
): Promise<void> {
  const endsAt = performance.now() + Math.max(waitMs, LEFT_OVER_MS);
  for (let isTold = false; ;) {
    signal.throwIfAborted();
    const { rows } = await guard.query<{ pid: number; application: string; since: string }>(
      `SELECT pid, application_name AS application, (extract(epoch FROM backend_start) * 1000)::bigint AS since FROM pg_stat_activity
       WHERE application_name LIKE $1 AND datname = current_database() AND pid <> pg_backend_pid() LIMIT 1`,
      [`${APPLICATION} %`],
    );
    const [row] = rows;
    if (row === undefined) return;
    const holder = { ...row, since: Number(row.since) };
    if (performance.now() >= endsAt)
      throw new FaultError({
        code: "migration-locked",
        what: "A migration tool that a run of Tidegate had begun, which was cut off, is still at work. Nothing was run.",
        where: holderWords(holder),
        fix: `wait until it is done, or end it: SELECT pg_terminate_backend(${row.pid})`,
      });
    if (!isTold) onWait(holder);
    isTold = true;
    await delay(200, undefined, { signal });
  }
}
