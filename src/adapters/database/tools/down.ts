import { FaultError } from "../../../core/fault.ts";
import type { Assertion } from "../../../core/plan/database.ts";
import { fullStop, withoutFullStop } from "../../../core/text/plain-text.ts";
import type { DownRequest, DownResult, ReversedMigration } from "../../../ports/migrations.ts";
import { downByProof } from "../by-proof.ts";
import { type LedgerRow, rowOf, type Told, toldOf } from "../ledger-row.ts";
import { emptyAfter } from "../comes-back-empty.ts";
import { newest } from "../newest.ts";
import type { Loss } from "../loss.ts";
import { requireAssertions } from "../postgres/assertions.ts";
import type { Session } from "../postgres/session.ts";
import { tellFailure } from "../postgres/up.ts";
import { irreversible, refuseLosses } from "../refuse-loss.ts";
import { changeWords, madeEmpty } from "./schema-change.ts";
import { goesByAddress } from "./goes-by-address.ts";
import { lossesOf } from "./losses.ts";
import { runRevision } from "./run-revision.ts";
import { reading, type ToolPlace } from "./run-tool.ts";
import type { Revision } from "./tool.ts";
import { type CopySchema, type Tried, tryDown, whyNoCopy } from "./trial.ts";
import { ofLedger } from "./of-ledger.ts";

/** Where the tool stands, and what Tidegate has written down of it. */
export interface Back {
  readonly revisions: readonly Revision[];
  readonly versions: readonly string[];
  readonly rows: ReadonlyMap<string, LedgerRow>;
}

interface Step {
  readonly version: string;
  /** As people know it. */
  readonly name: string;
  readonly revision: Revision | null;
  readonly row: LedgerRow | null;
  /** A sentence without its full stop; null: its text has a way back. */
  readonly why: string | null;
}

/** Goes back: by proof for a release, by a person's word for a number of steps. */
export async function down(
  session: Session,
  place: ToolPlace,
  back: Back,
  request: DownRequest,
  { assertions, copySchema }: { readonly assertions: readonly Assertion[]; readonly copySchema: CopySchema },
): Promise<DownResult> {
  const { of } = request;
  const steps = stepsOf(back);
  const result =
    "steps" in of
      ? await downBySteps(session, place, back, newest(steps, of.steps), { ...request, copySchema })
      : await downByRelease(session, place, back, steps, { ...request, release: of.release, copySchema });
  if (result.reversed.length > 0 && !request.dryRun) await requireAssertions(session, assertions, "going back");
  return result;
}

type Order = DownRequest & { readonly copySchema: CopySchema };

/** The newest first. */
function stepsOf({ revisions, versions, rows }: Back): readonly Step[] {
  return versions.toReversed().map((version) => {
    const revision = revisions.find((each) => each.version === version) ?? null;
    const row = rows.get(version) ?? null;
    const isChanged = revision !== null && row !== null && row.sha256 !== null && row.sha256 !== revision.sha256;
    const why = isChanged ? "its file was changed after it was applied" : whyNot(revision);
    return { version, name: revision?.file ?? row?.file ?? version, revision, row, why };
  });
}

function whyNot(revision: Revision | null): string | null {
  if (revision === null) return "its file is not here";
  if (!revision.hasDown) return "it has no way back";
  if (revision.reversible === "no") return "it says that it can't be undone (`tidegate: reversible=no`)";
  return null;
}

/** Takes back what provably loses nothing, up to the first that has to stay: what is older may be what that stands on. */
async function downByRelease(
  session: Session,
  place: ToolPlace,
  back: Back,
  steps: readonly Step[],
  order: Order & { readonly release: number },
): Promise<DownResult> {
  const oldest = steps.findLastIndex(({ row }) => row?.release === order.release);
  const all = steps.slice(0, oldest + 1);
  const stop = all.findIndex((step) => step.row?.release !== order.release || whyKept(step) !== null);
  const candidates = stop < 0 ? all : all.slice(0, stop);
  const tried = await triedOn(place, back, candidates, order);
  return await downByProof(all, order.release, {
    whyKept,
    prove: (step) => takeBackProven(session, place, back, step, tried, order),
  });
}

function whyKept({ why, row, revision }: Step): string | null {
  if (why !== null) return why;
  const phase = row?.phase ?? "expand";
  if (phase !== "expand") return `it is of phase ${phase}, and only what was added is taken away again`;
  if (revision?.reversible === "lossy") return "it says that its way back loses data (`tidegate: reversible=lossy`)";
  return null;
}

/** A sentence instead: why it stays. */
async function takeBackProven(
  session: Session,
  place: ToolPlace,
  back: Back,
  step: Step,
  tried: Trials,
  order: Order,
): Promise<ReversedMigration | string> {
  const found = tried.all.get(step.version);
  if (found === undefined) return fullStop(tried.why ?? "it could not be tried on a copy");
  if (found.down === null) return fullStop(found.why ?? "its way back could not be tried");
  if (found.up === null) return fullStop(found.why ?? "what it makes could not be tried");
  const losses = await lossesOf(session.guard, found);
  if (losses.length > 0) return `its way back ${losses.map(({ what }) => what).join(", and ")}.`;
  if (order.dryRun) return reversedAs(step, found, []);
  return await takeBack(session, place, back, step, order, []).catch((error: unknown) => {
    if (!(error instanceof FaultError) || !STAYS.has(error.fault.code)) throw error;
    const { what, cause = "" } = error.fault;
    return fullStop(cause === "" ? what : `${withoutFullStop(what)}: ${cause}`);
  });
}

const STAYS: ReadonlySet<string> = new Set(["migration-failed", "migration-blocked"]);

/** What a person asks for. All of it is tried and looked at before anything is done. */
async function downBySteps(
  session: Session,
  place: ToolPlace,
  back: Back,
  steps: readonly Step[],
  order: Order,
): Promise<DownResult> {
  for (const { name, why } of steps) if (why !== null) throw irreversible(name, why);
  const tried = await triedOn(place, back, steps, order);
  const losses = new Map<Step, readonly Loss[]>();
  for (const step of steps) {
    const found = tried.all.get(step.version);
    if (found?.down === null) throw irreversible(step.name, found.why ?? "its way back does not work");
    losses.set(step, found === undefined ? [unknown(tried.why)] : await lossesOf(session.guard, found));
  }
  if (!order.acceptLoss && !order.dryRun) refuseLoss(steps, losses);
  const reversed: ReversedMigration[] = [];
  for (const step of steps) {
    const lost = (losses.get(step) ?? []).map(({ what }) => what);
    const found = tried.all.get(step.version);
    const done = order.dryRun ? reversedAs(step, found, lost) : await takeBack(session, place, back, step, order, lost);
    reversed.push({ ...done, ...emptyAfter(comesBackEmpty(found)) });
  }
  return { reversed, kept: [] };
}

/** What a way back writes may be what was there before. */
function comesBackEmpty(found: Tried | undefined): readonly string[] {
  const way = found?.down ?? null;
  return way === null || way.writes.length > 0 ? [] : madeEmpty(way.change);
}

function unknown(why: string | null): Loss {
  return { line: 1, what: `may lose anything: ${why ?? "it could not be tried on a copy"}` };
}

function reversedAs({ name }: Step, found: Tried | undefined, lost: readonly string[]): ReversedMigration {
  const way = found?.down ?? null;
  return {
    file: name,
    tookMs: way?.tookMs ?? 0,
    lost,
    changes: way === null ? [] : [...changeWords(way.change), ...way.writes],
  };
}

/** Faults: migration-loses-data, with each loss. */
function refuseLoss(steps: readonly Step[], losses: ReadonlyMap<Step, readonly Loss[]>): void {
  const detail = steps.flatMap((step) => {
    const all = (losses.get(step) ?? []).map(({ what }) => `${step.name} ${what}`);
    return all.length === 0 && step.revision?.reversible === "lossy"
      ? [`${step.name} says that its way back loses data (\`tidegate: reversible=lossy\`)`]
      : all;
  });
  refuseLosses(detail);
}

interface Trials {
  readonly all: ReadonlyMap<string, Tried>;
  readonly why: string | null;
}

async function triedOn(
  place: ToolPlace,
  { revisions, versions }: Back,
  steps: readonly Step[],
  { copySchema, onCopy }: Order,
): Promise<Trials> {
  const found = steps.flatMap(({ revision }) => (revision === null ? [] : [revision]));
  if (found.length === 0 || onCopy === true) return { all: new Map(), why: null };
  if ((await goesByAddress(place)) !== true)
    return { all: new Map(), why: "nothing shows that the tool goes by DATABASE_URL" };
  try {
    const tried = await tryDown(place, copySchema, found, { revisions, applied: versions });
    return { all: new Map(tried.map((each) => [each.revision.version, each])), why: null };
  } catch (error) {
    place.signal.throwIfAborted();
    return { all: new Map(), why: whyNoCopy(error) };
  }
}

async function takeBack(
  session: Session,
  place: ToolPlace,
  { revisions, rows }: Back,
  { revision, version, name }: Step,
  request: DownRequest,
  lost: readonly string[],
): Promise<ReversedMigration> {
  if (revision === null) throw irreversible(name, "its file is not here");
  const { tool } = place;
  const { ledger, work } = session;
  const applied = await tool.applied({ client: session.guard, run: reading(place) }, revisions);
  const words = tool.down(revision, { revisions, applied });
  if (words === null) throw irreversible(name, `${tool.name} takes back another one before it, or several at once`);
  const began = performance.now();
  let longestWaitMs = 0;
  const took = (): number => Math.round(performance.now() - began);
  const known = rows.get(version) ?? rowOf(ofLedger(revision, "expand"), { by: request.by, release: null }, {});
  const told = (): Told => ({
    ...toldOf({ ...known, by: request.by, tookMs: took(), longestWaitMs }),
    did: "down",
    note: lost.length === 0 ? null : `lost: ${lost.join("; ")}`,
  });
  request.tell({ kind: "began", file: name, way: "down" });
  try {
    await runRevision(session, place, {
      revision,
      way: "down",
      words,
      revisions,
      by: request.by,
      tell: request.tell,
      waited: (ms) => (longestWaitMs = Math.max(longestWaitMs, ms)),
    });
  } catch (error) {
    await tellFailure(session, told(), error);
    throw error;
  }
  await work.query(`BEGIN; ${ledger.reversed(version)}; ${ledger.told(told())}; COMMIT`);
  request.tell({ kind: "done", file: name, way: "down", tookMs: took() });
  return { file: name, tookMs: took(), lost };
}
