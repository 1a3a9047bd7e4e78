import type { Assertion } from "../../../core/plan/database.ts";
import type { RunMigration, UpRequest, UpResult } from "../../../ports/migrations.ts";
import { phasesDue } from "../empty-at-first.ts";
import { type LedgerRow, rowOf, toldOf } from "../ledger-row.ts";
import { requireAssertions } from "../postgres/assertions.ts";
import { readHistory } from "../postgres/ledger.ts";
import type { Session } from "../postgres/session.ts";
import { tellFailure } from "../postgres/up.ts";
import { onceBefore } from "../once-before.ts";
import { refuseFindings } from "../refuse-findings.ts";
import { refuseProblems } from "../refuse-problems.ts";
import { assertionProblems } from "../lost-assertions.ts";
import { changesOfRevisions } from "./changes-of-revisions.ts";
import { asideFolder } from "./aside-folder.ts";
import { changeWords } from "./schema-change.ts";
import type { Known } from "./known.ts";
import type { Findings } from "./lint-revisions.ts";
import type { KnownPending } from "./phases.ts";
import { ofLedger } from "./of-ledger.ts";
import { runRevision } from "./run-revision.ts";
import { reading, type ToolPlace } from "./run-tool.ts";
import type { ToolStanding } from "./standing.ts";
import { upAtOnce } from "./up-at-once.ts";
import { whatRunsNow } from "./what-runs-now.ts";

/** Has the tool apply what is wanted, one revision after the other. Faults: the problems', migration-lint, those of run-revision, database-assertion-failed. */
export async function up(
  session: Session,
  place: ToolPlace,
  { findings, ...known }: Known & { readonly findings: Findings },
  request: UpRequest,
  { assertions, lint }: { readonly assertions: readonly Assertion[]; readonly lint?: "refuse" | "warn" },
): Promise<UpResult> {
  const { standing, pending, revisions, tried, isEmpty } = known;
  refuseProblems(
    standing.problems.filter(({ code }) => request.outOfOrder !== true || code !== "migration-out-of-order"),
  );
  const phases = await phasesDue(request, {
    isEmpty: async () => isEmpty,
    history: () => readHistory(session.work, session.place),
    note: async (told) => void (await session.work.query(session.ledger.told(told))),
  });
  const wanted = whatRunsNow(place.tool, pending, phases).slice(0, request.atMost);
  refuseProblems(await assertionProblems(assertions, (parse) => changesOfRevisions(place, wanted, known, parse)));
  const already = standing.applied.length;
  const pendingLater = pending.filter(({ phase }) => !phases.includes(phase)).map(({ revision }) => revision.file);
  const linted = wanted.map(({ revision: { file, version } }) => ({ file, findings: findings.get(version) ?? [] }));
  if (request.dryRun) {
    const runs = wanted.map((each, index) => ({ ...triedRun(each, tried), findings: linted[index]?.findings ?? [] }));
    return { applied: runs, already, pendingLater };
  }
  if (lint !== "warn") refuseFindings(linted);
  await adopt(session, standing, request);
  const { all } = place.tool;
  const isAtOnce = isEmpty && all !== undefined && wanted.length === pending.length && wanted.length > 1;
  const applied = isAtOnce
    ? await upAtOnce(session, place, { words: all, wanted, revisions }, request)
    : await upOneByOne(session, place, { wanted, revisions, versions: standing.versions }, request);
  if (applied.length > 0) await requireAssertions(session, assertions, "migrating");
  return { applied, already, pendingLater };
}

async function upOneByOne(
  session: Session,
  place: ToolPlace,
  {
    wanted,
    revisions,
    versions,
  }: Pick<Known, "revisions"> & Pick<ToolStanding, "versions"> & { readonly wanted: readonly KnownPending[] },
  request: UpRequest,
): Promise<readonly RunMigration[]> {
  const run: RunMigration[] = [];
  let applied = versions;
  for (const each of wanted) {
    run.push(await applyOne(session, place, each, { revisions, applied }, request));
    applied = await place.tool.applied({ client: session.guard, run: reading(place) }, revisions);
  }
  return run;
}

/** What it did on the copy. */
function triedRun({ revision, phase, note }: KnownPending, tried: Known["tried"]): RunMigration {
  const found = tried.get(revision.version);
  const way = found !== undefined && "up" in found ? found.up : null;
  const { file, version } = revision;
  const changes =
    way === null ? [`not tried: ${note ?? "it could not be tried"}`] : [...changeWords(way.change), ...way.writes];
  return { file, version, phase, statements: 0, tookMs: way?.tookMs ?? 0, longestWaitMs: 0, changes };
}

/** What the tool has applied by itself becomes part of the ledger as it is now; so does what a run that was killed had done already. */
async function adopt(
  { work, ledger }: Session,
  { toAdopt }: ToolStanding,
  { by }: Pick<UpRequest, "by">,
): Promise<void> {
  if (toAdopt.length === 0) return;
  const writes = toAdopt.flatMap(({ revision, row }) => {
    if (row !== null) {
      const done = { ...row, state: "applied" as const, appliedAt: Date.now() };
      return [ledger.applied(done), ledger.told({ ...toldOf(done), note: "Tidegate was cut off when it was done" })];
    }
    const own = rowOf(ofLedger(revision, revision.phase ?? "expand"), { by, release: null }, {});
    return [
      ledger.adopted(own),
      ledger.told({ ...toldOf(own), did: "adopted", note: "applied by the tool itself before" }),
    ];
  });
  await work.query(`BEGIN; ${writes.join(";")}; COMMIT`);
}

async function applyOne(
  session: Session,
  place: ToolPlace,
  { revision, phase }: KnownPending,
  order: Parameters<ToolPlace["tool"]["up"]>[1],
  request: UpRequest,
): Promise<RunMigration> {
  const { ledger, work } = session;
  const { file, version } = revision;
  const began = performance.now();
  let longestWaitMs = 0;
  const tookMs = (): number => Math.round(performance.now() - began);
  const row = (more: Partial<LedgerRow>): LedgerRow => rowOf(ofLedger(revision, phase), request, more);
  request.tell({ kind: "began", file, way: "up" });
  await onceBefore({ file, phase }, request).beforeDone?.();
  await work.query(ledger.begun(row({ state: "applying" })));
  await using aside = await asideFolder();
  try {
    await runRevision(session, place, {
      revision,
      way: "up",
      words: place.tool.up(revision, order, aside.path),
      revisions: order.revisions,
      by: request.by,
      tell: request.tell,
      waited: (ms) => (longestWaitMs = Math.max(longestWaitMs, ms)),
    });
  } catch (error) {
    await tellFailure(session, toldOf(row({ tookMs: tookMs(), longestWaitMs })), error);
    throw error;
  }
  const applied = row({ state: "applied", tookMs: tookMs(), longestWaitMs });
  await work.query(`BEGIN; ${ledger.applied(applied)}; ${ledger.told(toldOf(applied))}; COMMIT`);
  request.tell({ kind: "done", file, way: "up", tookMs: tookMs() });
  return { file, version, phase, statements: 0, tookMs: tookMs(), longestWaitMs };
}
