import type { ServedQueries } from "../../../core/migration/serving.ts";
import type { Assertion } from "../../../core/plan/database.ts";
import type { PlacedFinding, RunMigration, TriedStatement, UpRequest, UpResult } from "../../../ports/migrations.ts";
import type { Script, Unit } from "../migration-file.ts";
import { requireAssertionsInside } from "./assertions.ts";
import { blockersOf, sendAway } from "./blockers.ts";
import { observe, type Observed, whatChanged } from "./observed.ts";
import type { PostgresFile, ReadStatement } from "./read-migrations.ts";
import { startReplay } from "./replay/replay.ts";
import { needsToBeAlone } from "./run-alone.ts";
import { blocked, statementFailed } from "./run-faults.ts";
import { isInTheWay, pause, type Running } from "./run-unit.ts";
import { runningOf } from "./running.ts";
import type { Session } from "./session.ts";
import { targetsOf } from "./targets.ts";

interface Wanted {
  readonly file: PostgresFile;
  readonly findings: readonly PlacedFinding[];
}

/**
 * Really runs all of them in one transaction that is rolled back, and says what each statement did. Its locks are held to the end, so it
 * gives up as early as a real run would. Faults: as of a real run.
 */
export async function dryUp(
  session: Session,
  wanted: readonly Wanted[],
  request: UpRequest,
  { assertions, served }: DryAsk,
): Promise<Pick<UpResult, "applied" | "heldMs" | "queries">> {
  return await tried(session, async () => {
    const replay =
      served === null || wanted.length === 0 ? null : await startReplay(session.work, served, BESIDE_OTHERS);
    const start = await observe(session.work);
    const all: RunMigration[] = [];
    let heldSince: number | null = null;
    for (const { file, findings } of wanted) {
      const began = performance.now();
      const running = runningOf(file, "up", request.tell);
      const statements = await tryScript(session, running, file.up, start);
      if (statements.some(({ locks }) => locks.length > 0)) heldSince ??= began;
      const { version, phase } = file;
      const tookMs = Math.round(performance.now() - began);
      all.push({
        file: file.file,
        version,
        phase,
        statements: file.up.statements,
        tookMs,
        longestWaitMs: 0,
        findings,
        tried: statements,
      });
      const isAllowed = findings.some(({ kind, allowed }) => kind === "compat" && allowed !== undefined);
      await (phase === "contract" ? replay?.afterContract() : replay?.after({ file: file.file, phase, isAllowed }));
    }
    if (all.length > 0) await requireAssertionsInside(session, assertions, "the dry run");
    const queries = replay?.result();
    const held = heldSince === null ? {} : { heldMs: Math.round(performance.now() - heldSince) };
    return { applied: all, ...held, ...(queries === undefined ? {} : { queries }) };
  });
}

interface DryAsk {
  readonly assertions: readonly Assertion[];
  /** What the version that serves asks; null: nobody knows. */
  readonly served: ServedQueries | null;
}

/** The locks of what was tried are held meanwhile. */
const BESIDE_OTHERS = { timeoutMs: 300, budgetMs: 1_000, isLive: true };

/** Nothing of what `work` does stays. Tried again while somebody is in the way, as a real run would be. */
export async function tried<T>(session: Session, work: () => Promise<T>): Promise<T> {
  const { patience, signal } = session;
  const endsAt = performance.now() + patience.boundMs;
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      await session.work.query(`BEGIN; SET LOCAL lock_timeout = ${patience.lockTimeoutMs}`);
      return await work();
    } catch (error) {
      const isWaiting = error instanceof Error && isInTheWay(error.cause) && performance.now() < endsAt;
      if (!isWaiting) throw error;
      await session.work.query("ROLLBACK");
      await pause(attempt, signal);
    } finally {
      await session.work.query(`ROLLBACK; ${session.reset}`).catch(() => undefined);
    }
  }
}

/** What each statement of a script does in the transaction that is open. */
export async function tryScript(
  session: Session,
  running: Running,
  script: Script<ReadStatement>,
  start: Observed,
): Promise<readonly TriedStatement[]> {
  const all: TriedStatement[] = [];
  for (const unit of script.units) {
    for (const statement of unit.statements) {
      const blockers = await blockersOf(session, targetsOf(statement));
      if (blockers.length > 0) {
        await sendAway(session, blockers);
        if (blockers.some(({ isAutovacuum }) => !isAutovacuum)) throw blocked(running, unit, blockers, 0);
      }
      all.push(await tryOne(session, running, statement, { unit, start }));
    }
  }
  return all;
}

async function tryOne(
  session: Session,
  running: Running,
  statement: ReadStatement,
  { unit, start }: { readonly unit: Unit<ReadStatement>; readonly start: Observed },
): Promise<TriedStatement> {
  const { work } = session;
  const { line, sql } = statement;
  const before = await observe(work);
  await work.query("SAVEPOINT tidegate_tries");
  const began = performance.now();
  try {
    const { rowCount } = await work.query(sql);
    const tookMs = performance.now() - began;
    const changed = whatChanged(start, before, await observe(work));
    await work.query("RELEASE SAVEPOINT tidegate_tries");
    const note = unit.batch !== null ? { note: "one batch of it; it is repeated until it changes no row" } : {};
    return { line, sql, tookMs: Math.round(tookMs * 10) / 10, rows: rowCount, ...changed, ...note };
  } catch (error) {
    if (!needsToBeAlone(error)) throw statementFailed(session, running, { ...unit, from: 0 }, statement, error);
    await work.query("ROLLBACK TO SAVEPOINT tidegate_tries");
    const note =
      "not tried: PostgreSQL runs it in no transaction, and what was run outside of one could not be taken back";
    return { line, sql, tookMs: 0, rows: null, locks: [], rewritten: [], note, isTried: false };
  }
}
