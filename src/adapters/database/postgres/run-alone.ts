import type { Unit } from "../migration-file.ts";
import { errorOf } from "./faults.ts";
import { clearLeftovers, howItStands } from "./leftovers.ts";
import type { ReadStatement } from "./read-migrations.ts";
import { blocked, partlyDone, statementFailed } from "./run-faults.ts";
import { isInTheWay, pause, type Running } from "./run-unit.ts";
import type { Session } from "./session.ts";
import { watchWait } from "./watch-wait.ts";

/** A statement that runs outside of a transaction. */
export interface Alone {
  readonly unit: Unit<ReadStatement>;
  readonly statement: ReadStatement;
  /** A run before began it, and nobody knows yet whether it was done. */
  readonly wasBegun: boolean;
  /** What the ledger is told before it and after it. */
  readonly intent: string;
  readonly outcome: string;
}

/**
 * Runs a statement that can't be in a transaction. That it is about to run stands in the ledger first: whoever finds that after a
 * crash looks whether it was done. Faults: migration-failed, migration-blocked, database-lost.
 */
export async function runAlone(session: Session, running: Running, order: Alone): Promise<void> {
  const { unit, statement, wasBegun, intent, outcome } = order;
  const { work } = session;
  const write = (sql: string): Promise<unknown> =>
    work.query(`BEGIN; SET LOCAL ROLE NONE; ${sql}; COMMIT`).catch((error: unknown) => {
      throw statementFailed(session, running, unit, statement, error);
    });
  await running.beforeDone?.();
  if (!wasBegun) await write(intent);
  const stands = wasBegun ? await howItStands(session, statement) : "unknown";
  if (stands !== "done")
    await untilThrough(session, running, order, stands === "unknown" ? statement.sql : stands.finish);
  await write(outcome);
}

async function untilThrough(
  session: Session,
  running: Running,
  { unit, statement, wasBegun }: Alone,
  sql: string,
): Promise<void> {
  const { signal, patience } = session;
  const endsAt = performance.now() + patience.boundMs;
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    session.requireLock();
    const thrown = await tryOnce(session, running, statement, sql);
    if (thrown === null) return;
    await clearLeftovers(session, statement).catch(() => undefined);
    signal.throwIfAborted();
    if (wasBegun && HAPPENED.has(errorOf(thrown).code)) return;
    if (!isInTheWay(thrown)) {
      const failed = statementFailed(session, running, unit, statement, thrown);
      throw mayCommit(statement) ? partlyDone(failed, running) : failed;
    }
    if (performance.now() >= endsAt) throw blocked(running, unit, [], patience.boundMs);
    await pause(attempt, signal);
  }
}

/** What went wrong; null: it is done. */
async function tryOnce(session: Session, running: Running, statement: ReadStatement, sql: string): Promise<unknown> {
  const { work, patience } = session;
  // CONCURRENTLY waits for transactions of others, and nobody waits behind it meanwhile.
  const isPatient = statement.changes.some((change) => "isConcurrent" in change && change.isConcurrent);
  try {
    await clearLeftovers(session, statement);
    await work.query(`SET lock_timeout = ${isPatient ? patience.boundMs : patience.lockTimeoutMs}`);
    await using watched = watchWait(session);
    await work.query(sql);
    running.longestWaitMs = Math.max(running.longestWaitMs, watched.waitedMs());
    await work.query("RESET lock_timeout");
    return null;
  } catch (error) {
    await work.query("RESET lock_timeout").catch(() => undefined);
    return error;
  }
}

function mayCommit({ node }: ReadStatement): boolean {
  return "DoStmt" in node || "CallStmt" in node;
}

/** It is there already, or gone already, because the run that was cut off had got that far. */
const HAPPENED: ReadonlySet<string> = new Set(["42P04", "42710", "42P07", "3D000", "42704", "42P01"]);

/** Whether PostgreSQL refused it for the transaction that it was in, before anything happened. */
export function needsToBeAlone(error: unknown): boolean {
  const { code } = errorOf(error);
  return code === "25001" || code === "2D000";
}
