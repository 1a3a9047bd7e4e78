import { setTimeout as delay } from "node:timers/promises";
import type { MigrationProgress } from "../../../ports/migrations.ts";
import type { Unit } from "../migration-file.ts";
import { takenBack } from "../what-is-done.ts";
import { countDeleted, type Deleted } from "./deleted-rows.ts";
import { type Blocker, blockersOf, sendAway } from "./blockers.ts";
import { errorOf } from "./faults.ts";
import type { ReadStatement } from "./read-migrations.ts";
import { blocked, statementFailed } from "./run-faults.ts";
import type { Session } from "./session.ts";
import { targetsOf } from "./targets.ts";
import { watchWait } from "./watch-wait.ts";

/** What a unit is run in: a file of migrations, one of its ways. */
export interface Running {
  readonly file: string;
  readonly text: string;
  readonly way: "up" | "down";
  readonly tell: (progress: MigrationProgress) => void;
  /** Asked when it has its locks, before anything of it is done for good; what it throws takes everything back. */
  readonly beforeDone?: () => Promise<void>;
  /** The longest that a statement of the file waited for a lock so far. */
  longestWaitMs: number;
  /** Rows that its transactions deleted, by table. */
  readonly deleted: Map<string, number>;
}

/** What is written into the ledger together with the unit. `rows`: how many its last statement changed. */
export type Writes = (rows: number) => string;

export interface InTransaction {
  readonly unit: Unit<ReadStatement>;
  readonly writes: Writes;
  /** Asked in the same transaction, before anything of it is done. */
  readonly first?: () => Promise<void>;
  /** Asked in the same transaction, when all of it is done; what it throws takes everything back. */
  readonly last?: () => Promise<void>;
}

/**
 * Runs a unit in one transaction together with what the ledger says of it. Nobody waits behind it for longer than the lock
 * timeout: it looks first who is in the way, and lets everything go when it has to wait.
 * Faults: migration-blocked, migration-failed, database-lost.
 */
export async function runInTransaction(session: Session, running: Running, order: InTransaction): Promise<number> {
  const { signal, patience } = session;
  const { unit, writes, first, last } = order;
  const targets = unit.statements.flatMap(targetsOf);
  const endsAt = performance.now() + patience.boundMs;
  let toldAt: number | null = null;
  const tell = (inTheWay: readonly Blocker[]): void => {
    if (toldAt !== null && performance.now() - toldAt < TOLD_EVERY_MS) return;
    tellBlocked(running, unit, inTheWay, toldAt !== null);
    toldAt = performance.now();
  };
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    session.requireLock();
    const blockers = await blockersOf(session, targets);
    if (blockers.length > 0) {
      tell(blockers);
      await sendAway(session, blockers);
      if (performance.now() >= endsAt) throw blocked(running, unit, blockers, patience.boundMs);
      // Autovacuum yields to whoever has waited for a second.
      if (attempt === 1 || !blockers.every(({ isAutovacuum }) => isAutovacuum)) {
        await pause(attempt, signal);
        continue;
      }
    }
    const timeoutMs = blockers.length > 0 ? AUTOVACUUM_YIELDS_MS : patience.lockTimeoutMs;
    const done = await attemptOnce(session, running, {
      unit,
      writes,
      timeoutMs,
      ...(first === undefined ? {} : { first }),
      ...(last === undefined ? {} : { last }),
    });
    if (done !== null) return done;
    const inTheWay = await blockersOf(session, targets);
    tell(inTheWay);
    if (performance.now() >= endsAt) throw blocked(running, unit, inTheWay, patience.boundMs);
    await pause(attempt, signal);
  }
}

const AUTOVACUUM_YIELDS_MS = 1_500;
const TOLD_EVERY_MS = 1_000;

/** The rows of the last statement; null: somebody was in the way, and nothing is done. */
async function attemptOnce(
  session: Session,
  running: Running,
  { unit, writes, first, last, timeoutMs }: InTransaction & { readonly timeoutMs: number },
): Promise<number | null> {
  const { work } = session;
  let current: ReadStatement | null = null;
  try {
    await work.query(`BEGIN; SET LOCAL lock_timeout = ${timeoutMs}`);
    const deletedInside = await countDeleted(work, unit);
    await first?.();
    let rows = 0;
    for (const statement of unit.statements) {
      current = statement;
      await using watched = watchWait(session);
      rows = (await work.query(statement.sql)).rowCount ?? 0;
      running.longestWaitMs = Math.max(running.longestWaitMs, watched.waitedMs());
      session.signal.throwIfAborted();
    }
    if (unit.batch !== null && rows > unit.batch) {
      await work.query("ROLLBACK");
      throw statementFailed(session, running, unit, current, tooManyRows(rows, unit.batch));
    }
    current = null;
    await last?.();
    const deleted = await deletedInside();
    await running.beforeDone?.();
    session.signal.throwIfAborted();
    // A file may have taken another role, which must not write the ledger.
    await work.query(`SET LOCAL ROLE NONE; ${writes(rows)}; COMMIT`);
    addDeleted(running, deleted);
    return rows;
  } catch (error) {
    await work.query("ROLLBACK").catch(() => undefined);
    session.signal.throwIfAborted();
    if (isInTheWay(error)) {
      running.longestWaitMs = Math.max(running.longestWaitMs, timeoutMs);
      return null;
    }
    throw takenBack(unit, statementFailed(session, running, unit, current, error));
  }
}

export function addDeleted(running: Running, more: Deleted): void {
  for (const [table, gone] of more) running.deleted.set(table, (running.deleted.get(table) ?? 0) + gone);
}

function tooManyRows(rows: number, batch: number): Error {
  return new Error(`it changed ${rows} rows at once, and \`-- batch: ${batch}\` allows ${batch}: give it a LIMIT`);
}

/** A lock that was not got within the timeout, or a deadlock. */
export function isInTheWay(error: unknown): boolean {
  const { code } = errorOf(error);
  return code === "55P03" || code === "40P01";
}

function tellBlocked(
  running: Running,
  unit: Unit<ReadStatement>,
  blockers: readonly Blocker[],
  isAgain: boolean,
): void {
  const what = blockers.length === 0 ? "somebody else has a lock" : blockers.map(({ who }) => who).join("; ");
  running.tell({
    kind: "blocked",
    file: running.file,
    line: unit.statements[0]?.line ?? 1,
    what,
    ...(isAgain ? { isAgain } : {}),
  });
}

/** Longer each time, and never in step with another's. */
export async function pause(attempt: number, signal: AbortSignal): Promise<void> {
  await delay(Math.min(50 * attempt, 500) * (0.5 + Math.random()), undefined, { signal });
}
