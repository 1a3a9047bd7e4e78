import { FaultError } from "../../../core/fault.ts";
import type { Assertion } from "../../../core/plan/database.ts";
import type { DownRequest, DownResult, ReversedMigration } from "../../../ports/migrations.ts";
import { downByProof, lossSentence } from "../by-proof.ts";
import { emptyAfter } from "../comes-back-empty.ts";
import { newest } from "../newest.ts";
import { releaseOf, rowOf, type Told, toldOf } from "../ledger-row.ts";
import type { Loss } from "../loss.ts";
import type { MigrationFile } from "../migration-file.ts";
import { refuseLoss, refuseWithoutWay } from "../refuse-loss.ts";
import { type WayBack, waysBack, whyKept } from "../ways-back.ts";
import { requireAssertions } from "./assertions.ts";
import { readLedger, writeReversed, writeRow, writeTold } from "./ledger.ts";
import { lossWordsOf, thinnedBy } from "./loss-words.ts";
import { lossesOf } from "./losses.ts";
import { readSqliteText } from "./read-migrations.ts";
import { runFile } from "./run-file.ts";
import { reading, type Session } from "./session.ts";
import { tellFailure, tried, tryScript } from "./up.ts";

type Way = WayBack<MigrationFile>;

/** Goes back: by proof for a release, by a person's word for a number of steps. */
export async function down(
  session: Session,
  files: readonly MigrationFile[],
  request: DownRequest,
  assertions: readonly Assertion[],
): Promise<DownResult> {
  const ways = await waysBack(files, await reading(session, readLedger), async ({ version, file, body }) =>
    readSqliteText({ version, name: file.replace(/^.*\//, ""), file, text: body }),
  );
  const { of } = request;
  const result =
    "steps" in of
      ? await downBySteps(session, newest(ways, of.steps), request)
      : await downByProof(ways, of.release, { whyKept, prove: (way) => proven(session, way, request) });
  if (result.reversed.length > 0 && !request.dryRun)
    await reading(session, (database) => requireAssertions(database, assertions, "going back"));
  return result;
}

async function proven(session: Session, way: Way, request: DownRequest): Promise<ReversedMigration | string> {
  const losses = await reading(session, (database) => lossesIn(database, way));
  if (losses.length > 0) return lossSentence(losses);
  if (request.dryRun) return (await tryBack(session, [way]))[0] ?? "It has no way back.";
  // Nobody else writes from here to the end of the transaction.
  const first = (): void => {
    const now = lossesIn(session.database, way);
    if (now.length > 0) throw new FaultError({ code: "migration-loses-data", what: lossSentence(now) });
  };
  return await reverse(session, way, request, { losses: [], first });
}

function lossesIn(database: Session["database"], { file }: Way): readonly Loss[] {
  return file?.down == null ? [] : lossesOf(database, file.up, file.down);
}

/** What a person asks for. All of it is looked at before anything is done. */
async function downBySteps(session: Session, ways: readonly Way[], request: DownRequest): Promise<DownResult> {
  for (const way of ways) refuseWithoutWay(way);
  const all = await reading(session, (database) => ways.map((way) => ({ way, losses: lossesIn(database, way) })));
  if (!request.acceptLoss && !request.dryRun) refuseLoss(all);
  if (request.dryRun)
    return {
      reversed: (await tryBack(session, ways)).map((each, index) => ({
        ...each,
        lost: (all[index]?.losses ?? []).map(({ what }) => what),
      })),
      kept: [],
    };
  const reversed: ReversedMigration[] = [];
  for (const { way, losses } of all) reversed.push(await reverse(session, way, request, { losses }));
  return { reversed, kept: [] };
}

function tryBack(session: Session, ways: readonly Way[]): Promise<readonly ReversedMigration[]> {
  const { database } = session;
  return tried(session, () =>
    ways.flatMap(({ file, name }) => {
      if (file?.down == null) return [];
      const began = performance.now();
      const statements = tryScript(database, file.file, file.down);
      const tookMs = Math.round(performance.now() - began);
      return [
        { file: name, tookMs, lost: [], ...emptyAfter(lossWordsOf(file.up), thinnedBy(file.up)), tried: statements },
      ];
    }),
  );
}

async function reverse(
  session: Session,
  { file, row, version }: Way,
  request: DownRequest,
  { losses, first }: { readonly losses: readonly Loss[]; readonly first?: () => void },
): Promise<ReversedMigration> {
  if (file?.down == null) throw new TypeError("There is no way back.");
  const { database } = session;
  const began = performance.now();
  const took = (): number => Math.round(performance.now() - began);
  const lost = losses.map(({ what }) => what);
  const known = row ?? rowOf(file, { by: request.by, release: null }, {});
  const told = (): Told => ({
    ...toldOf({ ...known, by: request.by, release: releaseOf(request), tookMs: took(), longestWaitMs: 0 }),
    did: "down",
    note: lost.length === 0 ? null : `lost: ${lost.join("; ")}`,
  });
  request.tell({ kind: "began", file: file.file, way: "down" });
  try {
    await runFile(session, {
      file: file.file,
      way: "down",
      script: file.down,
      row: row?.state === "reversing" ? row : null,
      tell: request.tell,
      reach: (reached, batchRows) => writeRow(database, { ...known, state: "reversing", reached, batchRows }),
      done: () => {
        writeReversed(database, version);
        writeTold(database, told(), Date.now());
      },
      ...(first === undefined ? {} : { first }),
    });
  } catch (error) {
    tellFailure(session, told(), error);
    throw error;
  }
  request.tell({ kind: "done", file: file.file, way: "down", tookMs: took() });
  return { file: file.file, tookMs: took(), lost, ...emptyAfter(lossWordsOf(file.up), thinnedBy(file.up)) };
}
