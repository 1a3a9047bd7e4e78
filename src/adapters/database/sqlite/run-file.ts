import type { DatabaseSync } from "node:sqlite";
import { setImmediate as breathe, setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../../../core/fault.ts";
import { onOneLine } from "../../../core/text/plain-text.ts";
import type { MigrationProgress } from "../../../ports/migrations.ts";
import type { LedgerRow } from "../ledger-row.ts";
import type { Script, Statement, Unit } from "../migration-file.ts";
import { watchBatches } from "./counted-rows.ts";
import { inWords, isOfFile } from "./file-faults.ts";
import { takenBack, whatIsDone } from "../what-is-done.ts";
import { isOfConnection } from "./read-migrations.ts";
import { immediately, reading, type Session } from "./session.ts";

export interface FileRun {
  readonly file: string;
  readonly way: "up" | "down";
  readonly script: Script;
  /** Of one that was begun and cut off; null: it was not. */
  readonly row: LedgerRow | null;
  readonly tell: (progress: MigrationProgress) => void;
  /** Writes into the ledger how far it is. */
  readonly reach: (reached: number, batchRows: number) => void;
  /** Writes that it is done. */
  readonly done: () => void;
  /** Asked before anything of it is done, in the same transaction where it has one. */
  readonly first?: () => void;
  /** Asked when it may write, before anything of it is done for good; what it throws takes everything back. */
  readonly beforeDone?: () => Promise<void>;
}

/** Runs what is left of a file. Faults: migration-failed, migration-blocked. */
export async function runFile(session: Session, run: FileRun): Promise<void> {
  const { database } = session;
  const { script, done, first } = run;
  const [only] = script.units;
  if (script.isInTransaction || only === undefined) {
    const unit = only ?? { from: 0, to: 0, statements: [], batch: null };
    await orTakenBack(session, unit, () =>
      immediately(session, async () => {
        first?.();
        await withKeysKept(session, run, unit, () => runStatements(session, run, unit));
        await mayBeDone(session, run);
        done();
      }),
    );
    return;
  }
  const { reached: reachedBefore, batchRows } = run.row ?? { reached: 0, batchRows: 0 };
  let reached = reachedBefore;
  await immediately(session, () => {
    first?.();
    run.reach(reached, batchRows);
  });
  for (const unit of script.units) {
    const [statement] = unit.statements;
    const isConnections = statement !== undefined && unit.statements.length === 1 && isOfConnection(statement);
    // What a run that was cut off had set for its connection is gone with it.
    if (unit.to <= reached && !(isConnections && !/^vacuum/i.test(statement.sql))) continue;
    if (isConnections) await reading(session, () => runOne(database, run.file, unit, statement));
    else if (unit.batch === null) await runUnit(session, run, unit);
    else await runBatches(session, run, unit, unit.from === reachedBefore ? batchRows : 0);
    if (unit.to > reached && (isConnections || unit.batch !== null))
      await immediately(session, () => run.reach(unit.to, 0));
    reached = Math.max(reached, unit.to);
  }
  await immediately(session, done);
}

async function orTakenBack({ path }: Session, unit: Unit, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const told = inWords(error, path);
    throw told instanceof FaultError ? takenBack(unit, told) : told;
  }
}

/** A unit together with what the ledger says of it. */
async function runUnit(session: Session, run: FileRun, unit: Unit): Promise<void> {
  await orTakenBack(session, unit, () =>
    immediately(session, async () => {
      await withKeysKept(session, run, unit, () => runStatements(session, run, unit));
      await mayBeDone(session, run);
      run.reach(unit.to, 0);
    }),
  );
}

async function mayBeDone({ signal }: Session, { beforeDone }: FileRun): Promise<void> {
  await beforeDone?.();
  signal.throwIfAborted();
}

async function runStatements(session: Session, run: FileRun, unit: Unit): Promise<number> {
  let changes = 0;
  for (const statement of unit.statements) {
    session.signal.throwIfAborted();
    changes = runOne(session.database, run.file, unit, statement);
    // Only the second turn is behind what came meanwhile, such as a word to stop.
    await breathe();
    await breathe();
  }
  return changes;
}

/** How many rows it changed. What is wrong with the file is thrown as it is. Faults: migration-failed. */
export function runOne(database: DatabaseSync, file: string, unit: Unit, { sql, line }: Statement): number {
  try {
    return Number(database.prepare(sql).run().changes);
  } catch (error) {
    // ATTACH names another file.
    if (isOfFile(error) && !/^attach\b/i.test(sql)) throw error;
    throw failed(file, unit, line, error instanceof Error ? error.message : String(error), error);
  }
}

async function runBatches(session: Session, run: FileRun, whole: Unit, before: number): Promise<void> {
  const { batch } = whole;
  let sum = before;
  const sameRows = await watchBatches(session, whole);
  for (;;) {
    const unit = { ...whole, rows: sum };
    const began = performance.now();
    const rows = await immediately(session, async () => {
      const changed = await runStatements(session, run, unit);
      if (batch !== null && changed > batch)
        throw failed(
          run.file,
          unit,
          unit.statements[0]?.line ?? 1,
          `it changed ${changed} rows at once, and \`-- batch: ${batch}\` allows ${batch}: give it a LIMIT`,
        );
      await mayBeDone(session, run);
      run.reach(unit.from, sum + changed);
      return changed;
    });
    if (rows === 0) return;
    sum += rows;
    run.tell({ kind: "batch", file: run.file, rows, sum });
    // Who has deleted what before this run nobody knows.
    const endless = await sameRows(sum - before);
    if (endless !== null) throw failed(run.file, { ...whole, rows: sum }, whole.statements[0]?.line ?? 1, endless);
    await delay(Math.min(performance.now() - began, 1_000), undefined, { signal: session.signal });
  }
}

/** Keys are not looked after while a table is made anew; whoever breaks one is told before it is committed. */
async function withKeysKept(session: Session, run: FileRun, unit: Unit, work: () => Promise<unknown>): Promise<void> {
  const broken = (): number => session.database.prepare("PRAGMA foreign_key_check").all().length;
  const before = broken();
  await work();
  const after = broken();
  if (after <= before) return;
  const line = unit.statements.at(-1)?.line ?? 1;
  throw failed(run.file, unit, line, `${after - before} rows point at rows that are not there any more (foreign keys)`);
}

function failed(file: string, unit: Unit, line: number, cause: string, error?: unknown): FaultError {
  return new FaultError(
    {
      code: "migration-failed",
      what: `${file} failed; ${whatIsDone(unit)}`,
      where: `${file}:${line}`,
      cause: onOneLine(cause, 300),
      again: "tidegate migrate up",
      fix: "mend it, then run it again: tidegate migrate up",
    },
    { cause: error },
  );
}
