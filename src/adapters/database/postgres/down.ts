import { FaultError } from "../../../core/fault.ts";
import type { Assertion } from "../../../core/plan/database.ts";
import type { DownRequest, DownResult, ReversedMigration } from "../../../ports/migrations.ts";
import { downByProof, lossSentence } from "../by-proof.ts";
import { emptyAfter } from "../comes-back-empty.ts";
import { newest } from "../newest.ts";
import { releaseOf, rowOf, type Told, toldOf } from "../ledger-row.ts";
import type { Loss } from "../loss.ts";
import { refuseLoss, refuseWithoutWay } from "../refuse-loss.ts";
import { type WayBack, waysBack, whyKept } from "../ways-back.ts";
import { requireAssertions, requireAssertionsInside } from "./assertions.ts";
import { tried, tryScript } from "./dry-run.ts";
import { readLedger } from "./ledger.ts";
import { errorOf } from "./faults.ts";
import { lossesOf, tablesLookedAt } from "./losses.ts";
import { observe } from "./observed.ts";
import { type PostgresFile, readPostgresText } from "./read-migrations.ts";
import { runFile } from "./run-file.ts";
import { lossWordsOf } from "./loss-words.ts";
import { runningOf } from "./running.ts";
import type { Session } from "./session.ts";
import { tellFailure } from "./up.ts";

type Way = WayBack<PostgresFile>;

/** Goes back: by proof for a release, by a person's word for a number of steps. */
export async function down(
  session: Session,
  files: readonly PostgresFile[],
  request: DownRequest,
  assertions: readonly Assertion[],
): Promise<DownResult> {
  const ledger = await readLedger(session.work, session.place);
  const ways = await waysBack(files, ledger, (row) =>
    readPostgresText({ version: row.version, name: row.file.replace(/^.*\//, ""), file: row.file, text: row.body }),
  );
  const { of } = request;
  const result =
    "steps" in of
      ? await downBySteps(session, newest(ways, of.steps), request, assertions)
      : await downByProof(ways, of.release, {
          whyKept,
          prove: (way) => proven(session, way, request, assertions),
        });
  if (result.reversed.length > 0 && !request.dryRun) await requireAssertions(session, assertions, "going back");
  return result;
}

/** A sentence instead: why it is not provably safe, or why it did not come about. */
async function proven(
  session: Session,
  way: Way,
  request: DownRequest,
  assertions: readonly Assertion[],
): Promise<ReversedMigration | string> {
  const { file } = way;
  if (file?.down === null || file === null) return "It has no way back.";
  const losses = await lossesOf(session.guard, file.up, file.down);
  if (losses.length > 0) return lossSentence(losses);
  const first = (): Promise<void> => proveUnderLock(session, file);
  if (request.dryRun) return (await tryBack(session, [way], request, assertions))[0] ?? "It has no way back.";
  return await reverse(session, way, request, { losses: [], first });
}

/** Nobody writes while it is looked at again, for a short time: readers go on. */
async function proveUnderLock({ work }: Session, file: PostgresFile): Promise<void> {
  if (file.down === null) return;
  for (const table of tablesLookedAt(file.down)) {
    const { rows } = await work.query<{ there: boolean }>("SELECT to_regclass($1) IS NOT NULL AS there", [table]);
    if (rows[0]?.there === true) await work.query(`LOCK TABLE ${table} IN SHARE MODE`);
  }
  await work.query(`SET LOCAL statement_timeout = ${PROOF_MS}`);
  const losses = await lossesOf(work, file.up, file.down).catch(tooLarge);
  if (losses.length > 0) throw new FaultError({ code: "migration-loses-data", what: lossSentence(losses) });
  await work.query("SET LOCAL statement_timeout = 0");
}

const PROOF_MS = 2_000;

function tooLarge(error: unknown): never {
  if (errorOf(error).code !== "57014") throw error;
  throw new FaultError({
    code: "migration-loses-data",
    what: "Its tables are too large to be looked at while nobody may write to them.",
  });
}

/** What a person asks for. All of it is looked at before anything is done. */
async function downBySteps(
  session: Session,
  ways: readonly Way[],
  request: DownRequest,
  assertions: readonly Assertion[],
): Promise<DownResult> {
  for (const way of ways) refuseWithoutWay(way);
  const losses = new Map<Way, readonly Loss[]>();
  for (const way of ways)
    if (way.file?.down != null) losses.set(way, await lossesOf(session.guard, way.file.up, way.file.down));
  if (!request.acceptLoss && !request.dryRun) refuseLoss(ways.map((way) => ({ way, losses: losses.get(way) ?? [] })));
  if (request.dryRun) {
    const all = await tryBack(session, ways, request, assertions);
    return {
      reversed: all.map((each, index) => {
        const way = ways[index];
        return { ...each, lost: way === undefined ? [] : (losses.get(way) ?? []).map(({ what }) => what) };
      }),
      kept: [],
    };
  }
  const reversed: ReversedMigration[] = [];
  for (const way of ways) reversed.push(await reverse(session, way, request, { losses: losses.get(way) ?? [] }));
  return { reversed, kept: [] };
}

async function tryBack(
  session: Session,
  ways: readonly Way[],
  request: DownRequest,
  assertions: readonly Assertion[],
): Promise<readonly ReversedMigration[]> {
  return await tried(session, async () => {
    const start = await observe(session.work);
    const all: ReversedMigration[] = [];
    for (const { file, name } of ways) {
      if (file === null || file.down === null) continue;
      const began = performance.now();
      const statements = await tryScript(session, runningOf(file, "down", request.tell), file.down, start);
      const tookMs = Math.round(performance.now() - began);
      all.push({ file: name, tookMs, lost: [], ...emptyAfter(lossWordsOf(file)), tried: statements });
    }
    await requireAssertionsInside(session, assertions, "the dry run");
    return all;
  });
}

async function reverse(
  session: Session,
  way: Way,
  request: DownRequest,
  { losses, first }: { readonly losses: readonly Loss[]; readonly first?: () => Promise<void> },
): Promise<ReversedMigration> {
  const { file, row, version } = way;
  if (file === null || file.down === null) throw new TypeError("There is no way back.");
  const { ledger } = session;
  const began = performance.now();
  const running = runningOf(file, "down", request.tell);
  const lost = losses.map(({ what }) => what);
  const known = row ?? rowOf(file, { by: request.by, release: null }, {});
  const took = (): number => Math.round(performance.now() - began);
  const told = (): Told => ({
    ...toldOf({
      ...known,
      by: request.by,
      release: releaseOf(request),
      tookMs: took(),
      longestWaitMs: running.longestWaitMs,
    }),
    did: "down",
    note: lost.length === 0 ? null : `lost: ${lost.join("; ")}`,
  });
  request.tell({ kind: "began", file: file.file, way: "down" });
  try {
    await runFile(session, {
      file,
      script: file.down,
      running,
      row: row?.state === "reversing" ? row : null,
      begun: (reached) => ledger.adopted({ ...known, state: "reversing", ...reached }),
      done: () => `${ledger.reversed(version)};${ledger.told(told())}`,
      ...(first === undefined ? {} : { first }),
    });
  } catch (error) {
    await tellFailure(session, told(), error);
    throw error;
  }
  request.tell({ kind: "done", file: file.file, way: "down", tookMs: took() });
  return { file: file.file, tookMs: took(), lost, ...emptyAfter(lossWordsOf(file)) };
}
