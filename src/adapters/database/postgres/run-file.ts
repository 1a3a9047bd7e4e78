import { setTimeout as delay } from "node:timers/promises";
import type { LedgerRow } from "../ledger-row.ts";
import type { Script, Unit } from "../migration-file.ts";
import { watchBatches } from "./counted-rows.ts";
import { deletedBefore } from "./deleted-rows.ts";
import { replicaLagMs } from "./replica-lag.ts";
import type { PostgresFile, ReadStatement } from "./read-migrations.ts";
import { needsToBeAlone, runAlone } from "./run-alone.ts";
import { statementFailed } from "./run-faults.ts";
import { addDeleted, type Running, runInTransaction } from "./run-unit.ts";
import type { Session } from "./session.ts";

/** One way of a file, and what the ledger says of it. */
export interface FileRun {
  readonly file: PostgresFile;
  readonly script: Script<ReadStatement>;
  readonly running: Running;
  /** Of one that was begun and cut off; null: it was not. */
  readonly row: LedgerRow | null;
  /** As it stands in the ledger while it is not done; only of what is not in one transaction. */
  readonly begun: (at: Reached) => string;
  /** Writes that it is done. */
  readonly done: () => string;
  /** Asked in the transaction of a file that is in one, before anything of it is done. */
  readonly first?: () => Promise<void>;
  /** Asked in the transaction of a file that is in one, before it is committed. */
  readonly last?: () => Promise<void>;
}

/** How far a file is. */
export type Reached = Pick<LedgerRow, "reached" | "attempting" | "batchRows">;

/** Runs what is left of a file: whole or not at all where it is in a transaction, else statement by statement from where it ended. */
export async function runFile(session: Session, run: FileRun): Promise<void> {
  try {
    await runWhatIsLeft(session, run);
  } finally {
    // What it has set for its session is not the next one's.
    await session.work.query(session.reset).catch(() => undefined);
  }
}

async function runWhatIsLeft(session: Session, run: FileRun): Promise<void> {
  const { file, script, running, row, begun, done, first, last } = run;
  const [only] = script.units;
  if (script.isInTransaction || only === undefined) {
    const unit = only ?? { from: 0, to: 0, statements: [], batch: null };
    await runInTransaction(session, running, {
      unit,
      writes: done,
      ...(first === undefined ? {} : { first }),
      ...(last === undefined ? {} : { last }),
    });
    return;
  }
  let reached = row?.reached ?? 0;
  const { attempting = null, batchRows = 0 } = row ?? {};
  await session.work.query(begun({ reached, attempting, batchRows }));
  for (const unit of script.units) {
    if (unit.to <= reached) {
      await setAgain(session, unit);
      continue;
    }
    const wasBegun = row !== null && row.attempting === unit.from && row.reached === unit.from;
    const rows = unit.from === row?.reached ? batchRows : 0;
    await runUnit(session, running, { unit, wasBegun, reached, rows, version: file.version });
    reached = unit.to;
  }
  await session.work.query(`BEGIN; SET LOCAL ROLE NONE; ${done()}; COMMIT`);
}

/** What a run that was cut off had set for its session is gone with it. */
async function setAgain({ work }: Session, { statements }: Unit<ReadStatement>): Promise<void> {
  for (const { sql, changes } of statements) if (changes.some(({ kind }) => kind === "set")) await work.query(sql);
}

interface UnitRun {
  readonly unit: Unit<ReadStatement>;
  readonly wasBegun: boolean;
  /** What the ledger says now. */
  readonly reached: number;
  /** What a run before has changed in batches. */
  readonly rows: number;
  readonly version: string;
}

async function runUnit(
  session: Session,
  running: Running,
  { unit, wasBegun, reached, rows: before, version }: UnitRun,
): Promise<void> {
  const { ledger } = session;
  const none = { attempting: null, batchRows: 0 };
  const through = ledger.progress(version, reached, { ...none, reached: unit.to });
  if (unit.batch !== null)
    return await runBatches(session, running, unit, before, (rows, sum) =>
      rows === 0 ? through : ledger.progress(version, reached, { ...none, reached, batchRows: sum }),
    );
  const [statement] = unit.statements;
  const isAlone = (): Promise<void> =>
    statement === undefined
      ? Promise.resolve()
      : runAlone(session, running, {
          unit,
          statement,
          wasBegun,
          intent: ledger.progress(version, reached, { ...none, reached, attempting: unit.from }),
          outcome: through,
        });
  if (wasBegun || statement?.changes.some((change) => "isConcurrent" in change && change.isConcurrent) === true)
    return await isAlone();
  try {
    await runInTransaction(session, running, { unit, writes: () => through });
  } catch (error) {
    // PostgreSQL itself knows best what it does not do in a transaction.
    if (unit.statements.length > 1 || !(error instanceof Error) || !needsToBeAlone(error.cause)) throw error;
    await isAlone();
  }
}

/** Repeats a statement until it changes no row, each time in a transaction of its own. Faults: migration-failed, also of one that would never end. */
async function runBatches(
  session: Session,
  running: Running,
  unit: Unit<ReadStatement>,
  before: number,
  writes: (rows: number, sum: number) => string,
): Promise<void> {
  let sum = before;
  const [statement] = unit.statements;
  addDeleted(running, await deletedBefore(session.work, statement, before));
  const sameRows = await watchBatches(session, statement);
  for (;;) {
    await untilReplicasFollow(session, running);
    const began = performance.now();
    const rows = await runInTransaction(session, running, {
      unit: { ...unit, rows: sum },
      writes: (each) => writes(each, sum + each),
    });
    if (rows === 0) return;
    sum += rows;
    running.tell({ kind: "batch", file: running.file, rows, sum });
    // Who has deleted what before this run nobody knows.
    const endless = await sameRows(sum - before);
    if (endless !== null)
      throw statementFailed(session, running, { ...unit, rows: sum }, statement ?? null, new Error(endless));
    // As long again as it took: others get half of the time at least.
    await delay(Math.min(performance.now() - began, LONGEST_PAUSE_MS), undefined, { signal: session.signal });
  }
}

const LONGEST_PAUSE_MS = 1_000;

async function untilReplicasFollow(session: Session, running: Running): Promise<void> {
  for (let isTold = false; ;) {
    session.requireLock();
    const lagMs = await replicaLagMs(session);
    if (lagMs <= session.patience.lagMs) return;
    if (!isTold) running.tell({ kind: "lagging", file: running.file, lagMs });
    isTold = true;
    await delay(LONGEST_PAUSE_MS, undefined, { signal: session.signal });
  }
}
