import type { Client } from "pg";
import { FaultError } from "../../../core/fault.ts";
import { setTimeout as delay } from "node:timers/promises";
import type { LockHolder } from "../../../ports/migrations.ts";

/** "tide" and "gate" in ASCII, the lock of backups too: an ALTER would wait for a dump, and everybody's reads behind it. */
const KEY = [0x74696465, 0x67617465] as const;
/** Held by the connection that works: what it still does when its own process is dead. */
const WORK = [0x74696465, 0x776f726b] as const;

const POLL_MS = 200;

export interface LockAsk {
  readonly waitMs: number;
  readonly signal: AbortSignal;
  readonly onWait: (holder: LockHolder | null) => void;
}

/** The one lock of a database's migrations, held for as long as the connection lives. Faults: migration-locked. */
export async function takeLock(client: Client, ask: LockAsk): Promise<void> {
  await poll(client, KEY, ask, (holder) => ({
    code: "migration-locked",
    what: "Somebody else migrates this database now, backs it up or restores it. Nothing was run.",
    where: holder === null ? "it was gone when it was looked for" : holderWords(holder),
    fix: `wait until it is done, then: tidegate migrate status; or, if nobody runs it any more: SELECT pg_terminate_backend(${holder?.pid ?? "PID"})`,
  }));
}

/** Waits for what a run that was cut off still has the server do. Faults: migration-locked. */
export async function takeWorkLock(client: Client, ask: LockAsk): Promise<void> {
  await poll(client, WORK, ask, (holder) => ({
    code: "migration-locked",
    what: "A run that was cut off still has a statement running in the server.",
    where: holder === null ? "it was gone when it was looked for" : holderWords(holder),
    fix: `wait until it is done, or end it: SELECT pg_terminate_backend(${holder?.pid ?? "PID"})`,
  }));
}

// Never waited for in the server: a session that waits for it in a transaction would hang CREATE INDEX CONCURRENTLY.
async function poll(
  client: Client,
  key: readonly [number, number],
  { waitMs, signal, onWait }: LockAsk,
  faultOf: (holder: LockHolder | null) => FaultError["fault"],
): Promise<void> {
  const endsAt = performance.now() + waitMs;
  for (let isTold = false; ;) {
    signal.throwIfAborted();
    const { rows } = await client.query<{ got: boolean }>("SELECT pg_try_advisory_lock($1, $2) AS got", [...key]);
    if (rows[0]?.got === true) return;
    const holder = await holderOf(client, key);
    if (performance.now() >= endsAt) throw new FaultError(faultOf(holder));
    if (!isTold) onWait(holder);
    isTold = true;
    await delay(POLL_MS * (0.75 + Math.random() / 2), undefined, { signal });
  }
}

/** Who has the lock of migrations; null: nobody. */
export function lockHolder(client: Client): Promise<LockHolder | null> {
  return holderOf(client, KEY);
}

async function holderOf(client: Client, key: readonly [number, number]): Promise<LockHolder | null> {
  const { rows } = await client.query<{ pid: number; application: string | null; since: string | null }>(
    `SELECT l.pid, a.application_name AS application, (extract(epoch FROM a.backend_start) * 1000)::bigint AS since
     FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
     WHERE l.locktype = 'advisory' AND l.classid::bigint = $1 AND l.objid::bigint = $2 AND l.objsubid = 2 AND l.granted
       AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [...key],
  );
  const [row] = rows;
  if (row === undefined) return null;
  return { pid: row.pid, application: row.application ?? "", since: row.since === null ? null : Number(row.since) };
}

export function holderWords({ pid, application, since }: LockHolder): string {
  const when = since === null ? "" : `, since ${new Date(since).toISOString().replace(/\.\d+Z$/, "Z")}`;
  return `${application === "" ? "a session without a name" : application} (process ${pid} of the server${when})`;
}
