import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../../../core/fault.ts";
import type { DatabaseSettings } from "../../database/settings.ts";
import { connectPostgres, filledUrl, placeOf } from "../../database/postgres/connect.ts";

/**
 * Tidegate's advisory lock on a database: whoever migrates, dumps or restores it has this and nobody else. An ALTER would wait for a dump,
 * and everybody's reads behind it. "tide" and "gate" in ASCII.
 */
const DATABASE_LOCK: readonly [number, number] = [0x74_69_64_65, 0x67_61_74_65];

export interface DatabaseLock extends AsyncDisposable {
  /** Faults: database-lock-lost (its connection broke, and with it the lock). */
  stillHeld(): void;
}

/** Whose session has it. */
export interface LockSession {
  readonly pid: number;
  readonly application: string;
  /** Since when it has been connected; null: it is another role's, which this one may not see. */
  readonly since: number | null;
}

export interface LockOrder {
  /** As it stands in pg_stat_activity: `tidegate migrate`. */
  readonly application: string;
  readonly signal: AbortSignal;
  /** Told once for each that has it. */
  readonly waiting: (holder: LockSession | null) => void;
  /** Longer than this is not waited. */
  readonly atMostMs: number;
}

const LOOK_MS = 200;

/**
 * Waits for the lock on a connection of its own, outside of any transaction, and by asking again and again: a session that waited for it in
 * one would hang CREATE INDEX CONCURRENTLY. The server frees it when this process dies, however it dies. Faults: database-locked, and those
 * of a database that can't be reached.
 */
export async function lockDatabase(settings: DatabaseSettings, order: LockOrder): Promise<DatabaseLock> {
  const connection = await connectPostgres(settings, order);
  const { client } = connection;
  const endsAt = performance.now() + order.atMostMs;
  let told: number | null = null;
  try {
    for (;;) {
      const { rows } = await client.query<{ taken: boolean }>("SELECT pg_try_advisory_lock($1, $2) AS taken", [
        ...DATABASE_LOCK,
      ]);
      if (rows[0]?.taken === true) break;
      const holder = await lockHolder(connection);
      if (told === null || (holder !== null && holder.pid !== told)) order.waiting(holder);
      told = holder?.pid ?? 0;
      if (performance.now() > endsAt) throw locked(holder, settings);
      await delay(LOOK_MS, undefined, { signal: order.signal });
    }
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
  return {
    stillHeld: () => {
      if (connection.isLost()) throw lost(settings);
    },
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

/** Who has it now; null: nobody. */
async function lockHolder({ client }: Awaited<ReturnType<typeof connectPostgres>>): Promise<LockSession | null> {
  const { rows } = await client.query<{ pid: number; application: string | null; since: Date | null }>(
    `SELECT l.pid, a.application_name AS application, a.backend_start AS since FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
       WHERE l.locktype = 'advisory' AND l.granted AND l.classid = $1::int8::oid AND l.objid = $2::int8::oid AND l.objsubid = 2
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [...DATABASE_LOCK],
  );
  const [row] = rows;
  if (row === undefined) return null;
  return { pid: row.pid, application: row.application ?? "", since: row.since?.getTime() ?? null };
}

/** `tidegate migrate (process 4711, since 06:15:03)`. */
export function lockSessionWords(holder: LockSession | null): string {
  if (holder === null) return "somebody";
  const since =
    holder.since === null ? "" : `, connected since ${new Date(holder.since).toISOString().slice(11, 19)} UTC`;
  return `${holder.application === "" ? "a session" : holder.application} (server process ${holder.pid}${since})`;
}

function locked(holder: LockSession | null, settings: DatabaseSettings): FaultError {
  const words = lockSessionWords(holder);
  return new FaultError({
    code: "database-locked",
    what: `The database is locked by ${words}, and nobody else may migrate it or back it up meanwhile.`,
    where: placeOf(filledUrl(settings)),
    fix: `wait until it is over, and try again; or, if nobody runs it any more: SELECT pg_terminate_backend(${holder?.pid ?? "pid"})`,
  });
}

function lost(settings: DatabaseSettings): FaultError {
  return new FaultError({
    code: "database-lock-lost",
    what: "The connection that held the lock on the database broke: somebody else may have changed it meanwhile.",
    where: placeOf(filledUrl(settings)),
    fix: "try again",
  });
}
