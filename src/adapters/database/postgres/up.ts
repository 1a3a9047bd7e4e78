import { FaultError } from "../../../core/fault.ts";
import { type DeletedRows, deletedWords } from "../../../core/migration/deleted-rows.ts";
import type { RunMigration, UpRequest, UpResult } from "../../../ports/migrations.ts";
import type { PendingStatement } from "../../../migrations/serving/lost-assertions.ts";
import { beginsEmptyUpTo, phasesDue } from "../empty-at-first.ts";
import { type LedgerRow, rowOf, type Told, toldOf } from "../ledger-row.ts";
import { assertionProblems } from "../lost-assertions.ts";
import { refuseFindings } from "../refuse-findings.ts";
import { refuseGaps, refuseProblems } from "../refuse-problems.ts";
import { ofPhases, type Standing, standingOf } from "../standing.ts";
import { onceBefore } from "../once-before.ts";
import { requireAssertions } from "./assertions.ts";
import { stillAskable } from "./askable.ts";
import { atFirst } from "./at-first.ts";
import { deletedBy } from "./deleted-rows.ts";
import { dryUp } from "./dry-run.ts";
import { readLedger } from "./ledger.ts";
import { lintFiles, queriesPlace } from "./lint-files.ts";
import { queriesToAsk } from "./lint-pending.ts";
import type { MigrationSettings } from "./migrations.ts";
import type { PostgresFile } from "./read-migrations.ts";
import { runFile } from "./run-file.ts";
import type { Running } from "./run-unit.ts";
import { runningOf } from "./running.ts";
import type { Session } from "./session.ts";

/** Applies what is wanted of the files, one after the other. Faults: the problems', migration-lint, those of run-unit, database-assertion-failed. */
export async function up(
  session: Session,
  files: readonly PostgresFile[],
  request: UpRequest,
  { assertions, lint, queries }: Pick<MigrationSettings, "assertions" | "lint" | "queries">,
): Promise<UpResult> {
  const ledger = await readLedger(session.work, session.place);
  const standing = standingOf(files, ledger);
  refuseProblems(
    standing.problems.filter(({ code }) => request.outOfOrder !== true || code !== "migration-out-of-order"),
  );
  const last = standing.pending.at(-1)?.file.version ?? "";
  const phases = await phasesDue(request, atFirst(session), last);
  refuseGaps(standing.pending, phases);
  const wanted = ofPhases(pendingOf(standing, files), phases).slice(0, request.atMost);
  const versions = new Set(wanted.map(({ file }) => file.version));
  refuseProblems(await assertionProblems(assertions, () => statementsOf(files, versions)));
  const already = standing.applied.length;
  const pendingLater = standing.pending.filter(({ file }) => !phases.includes(file.phase)).map(({ file }) => file.file);
  const place = queriesPlace(request, queries);
  const emptyUpTo = last === "" ? null : await beginsEmptyUpTo(request, atFirst(session), last);
  const found = await lintFiles(session.guard, files, standing, place, emptyUpTo);
  const linted = wanted.map(({ file, row }) => ({ file, row, findings: found.get(file.file) ?? [] }));
  if (request.dryRun) {
    const served = await queriesToAsk(session.guard, place);
    return { ...(await dryUp(session, linted, request, { assertions, served })), already, pendingLater };
  }
  if (lint !== "warn") refuseFindings(linted.map(({ file: { file }, findings }) => ({ file, findings })));
  await adopt(session, standing, request);
  const applied: RunMigration[] = [];
  for (const [index, { file, row, findings }] of linted.entries()) {
    // What one file takes away the next may bring back.
    const isWatched = file.phase === "contract" && index === linted.length - 1;
    const last = isWatched ? await stillAskable(session, assertions, file.file) : undefined;
    applied.push({ ...(await applyOne(session, { file, row }, request, last)), findings });
  }
  if (applied.length > 0) await requireAssertions(session, assertions, "migrating");
  return { applied, already, pendingLater };
}

/** What the way forward of these versions changes, in their order. */
export function statementsOf(
  files: readonly PostgresFile[],
  versions: ReadonlySet<string>,
): readonly PendingStatement[] {
  return files
    .filter(({ version }) => versions.has(version))
    .flatMap(({ file, up: { units } }) =>
      units.flatMap(({ statements }) =>
        statements.map(({ line, changes, inside }) => ({ file, line, changes: [...changes, ...inside] })),
      ),
    );
}

interface Pending {
  readonly file: PostgresFile;
  readonly row: LedgerRow | null;
}

/** With all that is known of the files, and not only what standing asks of them. */
function pendingOf(standing: Standing, files: readonly PostgresFile[]): readonly Pending[] {
  const rows = new Map(standing.pending.map(({ file, row }) => [file.version, row]));
  return files.flatMap((file) => (rows.has(file.version) ? [{ file, row: rows.get(file.version) ?? null }] : []));
}

/** What another tool has applied becomes part of the ledger as it is now: from here on a change of it is seen. */
async function adopt(
  { work, ledger }: Session,
  { toAdopt }: Pick<Standing, "toAdopt">,
  { by }: Pick<UpRequest, "by">,
): Promise<void> {
  if (toAdopt.length === 0) return;
  const writes = toAdopt.flatMap((file) => {
    const row = rowOf(file, { by, release: null }, { state: "applied", reached: file.up.statements });
    const told = { ...toldOf(row), did: "adopted", note: "applied by another tool before" } as const;
    return [ledger.adopted(row), ledger.told(told)];
  });
  await work.query(`BEGIN; ${writes.join(";")}; COMMIT`);
}

async function applyOne(
  session: Session,
  { file, row }: Pending,
  request: UpRequest,
  last?: () => Promise<void>,
): Promise<RunMigration> {
  const { ledger } = session;
  const began = performance.now();
  const running: Running = { ...runningOf(file, "up", request.tell), ...onceBefore(file, request) };
  const now = (more: Partial<LedgerRow>): LedgerRow => rowOf(file, request, more);
  request.tell({ kind: "began", file: file.file, way: "up" });
  const figures = (): Pick<LedgerRow, "tookMs" | "longestWaitMs"> => ({
    tookMs: Math.round(performance.now() - began),
    longestWaitMs: running.longestWaitMs,
  });
  const deleted = (): ReturnType<typeof deletedBy> =>
    deletedBy(
      running.deleted,
      file.up.units.flatMap(({ statements }) => statements),
      row?.state === "applying" && row.reached > 0,
    );
  try {
    await runFile(session, {
      file,
      script: file.up,
      running,
      row: row?.state === "applying" ? row : null,
      begun: (reached) => ledger.begun(now({ state: "applying", ...reached })),
      done: () => {
        const applied = now({ state: "applied", reached: file.up.statements, ...figures() });
        return `${ledger.applied(applied)};${ledger.told(toldOf(applied))}`;
      },
      ...(last === undefined ? {} : { last }),
    });
  } catch (error) {
    await tellFailure(session, toldOf(now(figures())), error);
    throw withDeleted(error, deleted().deleted ?? []);
  }
  const tookMs = Math.round(performance.now() - began);
  request.tell({ kind: "done", file: file.file, way: "up", tookMs });
  const { version, phase } = file;
  return {
    file: file.file,
    version,
    phase,
    statements: file.up.statements,
    tookMs,
    longestWaitMs: running.longestWaitMs,
    ...deleted(),
  };
}

/** Rows of statements that are done and stay so. */
function withDeleted(error: unknown, deleted: readonly DeletedRows[]): unknown {
  if (!(error instanceof FaultError) || deleted.length === 0) return error;
  const { detail = [], ...fault } = error.fault;
  const gone = `what is done of it deleted ${deleted.map(deletedWords).join(", ")}`;
  return new FaultError({ ...fault, detail: [...detail, gone] }, { cause: error.cause });
}

/** By the connection that is idle: the other one may be gone. */
export async function tellFailure({ guard, ledger }: Session, told: Told, error: unknown): Promise<void> {
  const note = error instanceof Error ? error.message : String(error);
  await guard.query(ledger.told({ ...told, did: "failed", note })).catch(() => undefined);
}
