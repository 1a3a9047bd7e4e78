import type { Assertion } from "../../../core/plan/database.ts";
import type { RunMigration, TriedStatement, UpRequest, UpResult } from "../../../ports/migrations.ts";
import { changesIn, type PendingStatement } from "../../../migrations/serving/lost-assertions.ts";
import type { SqlParser } from "../../../migrations/sql/parser.ts";
import { phasesDue } from "../empty-at-first.ts";
import { type LedgerRow, rowOf, type Told, toldOf } from "../ledger-row.ts";
import type { MigrationFile, Script } from "../migration-file.ts";
import { assertionProblems } from "../lost-assertions.ts";
import { refuseGaps, refuseProblems } from "../refuse-problems.ts";
import { ofPhases, type Standing, standingOf } from "../standing.ts";
import { onceBefore } from "../once-before.ts";
import { requireAssertions } from "./assertions.ts";
import { atFirst } from "./at-first.ts";
import { readLedger, writeApplied, writeRow, writeTold } from "./ledger.ts";
import { changesRows, isOfConnection } from "./read-migrations.ts";
import { runFile, runOne } from "./run-file.ts";
import { beginWriting, immediately, reading, type Session } from "./session.ts";

/** Applies what is wanted of the files, one after the other. Faults: the problems', those of run-file, database-assertion-failed. */
export async function up(
  session: Session,
  files: readonly MigrationFile[],
  request: UpRequest,
  assertions: readonly Assertion[],
): Promise<UpResult> {
  const standing = standingOf(files, await reading(session, readLedger));
  refuseProblems(
    standing.problems.filter(({ code }) => request.outOfOrder !== true || code !== "migration-out-of-order"),
  );
  const phases = await phasesDue(request, atFirst(session));
  refuseGaps(standing.pending, phases);
  const wanted = ofPhases(standing.pending, phases).slice(0, request.atMost);
  refuseProblems(
    await assertionProblems(assertions, (parse) =>
      statementsOf(
        wanted.map(({ file }) => file),
        parse,
      ),
    ),
  );
  const already = standing.applied.length;
  const pendingLater = standing.pending.filter(({ file }) => !phases.includes(file.phase)).map(({ file }) => file.file);
  if (request.dryRun) return { applied: await dryUp(session, wanted, assertions), already, pendingLater };
  await adopt(session, standing, request.by);
  const applied: RunMigration[] = [];
  for (const { file, row } of wanted) applied.push(await applyOne(session, file, row, request));
  if (applied.length > 0) await reading(session, (database) => requireAssertions(database, assertions, "migrating"));
  return { applied, already, pendingLater };
}

/** What the way forward of these files changes, as far as PostgreSQL's parser can read it. */
export function statementsOf(files: readonly MigrationFile[], parse: SqlParser): readonly PendingStatement[] {
  return files.flatMap(({ file, up: { units } }) =>
    units.flatMap(({ statements }) =>
      statements.map(({ line, sql }) => ({ file, line, changes: changesIn(sql, parse) })),
    ),
  );
}

async function adopt(session: Session, { toAdopt }: Standing, by: string): Promise<void> {
  if (toAdopt.length === 0) return;
  const { database } = session;
  await immediately(session, () => {
    for (const file of toAdopt) {
      const row = rowOf(file, { by, release: null }, { reached: file.up.statements });
      writeRow(database, row);
      writeTold(database, { ...toldOf(row), did: "adopted", note: "applied by another tool before" }, Date.now());
    }
  });
}

async function applyOne(
  session: Session,
  file: MigrationFile,
  row: LedgerRow | null,
  request: UpRequest,
): Promise<RunMigration> {
  const { database } = session;
  const began = performance.now();
  const took = (): number => Math.round(performance.now() - began);
  const now = (more: Partial<LedgerRow>): LedgerRow => rowOf(file, request, more);
  request.tell({ kind: "began", file: file.file, way: "up" });
  try {
    await runFile(session, {
      file: file.file,
      way: "up",
      script: file.up,
      row: row?.state === "applying" ? row : null,
      tell: request.tell,
      ...onceBefore(file, request),
      reach: (reached, batchRows) => writeRow(database, now({ state: "applying", reached, batchRows })),
      done: () => {
        const applied = now({ reached: file.up.statements, tookMs: took(), longestWaitMs: 0, appliedAt: Date.now() });
        writeApplied(database, applied);
        writeTold(database, toldOf(applied), Date.now());
      },
    });
  } catch (error) {
    tellFailure(session, toldOf(now({ tookMs: took() })), error);
    throw error;
  }
  request.tell({ kind: "done", file: file.file, way: "up", tookMs: took() });
  const { version, phase, up: script } = file;
  return { file: file.file, version, phase, statements: script.statements, tookMs: took(), longestWaitMs: 0 };
}

export function tellFailure({ database }: Session, told: Told, error: unknown): void {
  const note = error instanceof Error ? error.message : String(error);
  try {
    writeTold(database, { ...told, did: "failed", note }, Date.now());
  } catch {
    // What went wrong first is what people need to know.
  }
}

/** Really runs all of it in a transaction that is taken back. */
function dryUp(
  session: Session,
  wanted: readonly { readonly file: MigrationFile }[],
  assertions: readonly Assertion[],
): Promise<readonly RunMigration[]> {
  const { database } = session;
  return tried(session, () => {
    const all = wanted.map(({ file }): RunMigration => {
      const began = performance.now();
      const statements = tryScript(database, file.file, file.up);
      const { version, phase, up: script } = file;
      const tookMs = Math.round(performance.now() - began);
      return {
        file: file.file,
        version,
        phase,
        statements: script.statements,
        tookMs,
        longestWaitMs: 0,
        tried: statements,
      };
    });
    if (all.length > 0) requireAssertions(database, assertions, "the dry run");
    return all;
  });
}

/** Faults: migration-blocked. */
export async function tried<T>(session: Session, work: () => T): Promise<T> {
  const { database } = session;
  await beginWriting(session);
  try {
    return work();
  } finally {
    if (database.isTransaction) database.exec("ROLLBACK");
  }
}

export function tryScript(database: Session["database"], file: string, script: Script): readonly TriedStatement[] {
  return script.units.flatMap((unit) =>
    unit.statements.map((statement): TriedStatement => {
      const { line, sql } = statement;
      const none = { line, sql, tookMs: 0, rows: null, locks: [], rewritten: [] };
      if (isOfConnection(statement))
        return { ...none, note: "not tried: it belongs to the connection, and not to a transaction", isTried: false };
      const began = performance.now();
      const changed = runOne(database, file, { ...unit, from: 0 }, statement);
      const tookMs = Math.round((performance.now() - began) * 10) / 10;
      const note = unit.batch === null ? {} : { note: "one batch of it; it is repeated until it changes no row" };
      // What changes no rows leaves SQLite's count as the statement before it had made it.
      const rows = changesRows(statement) ? changed : null;
      return { ...none, tookMs, rows, locks: ["the only writer"], ...note };
    }),
  );
}
