import { FaultError } from "../../../core/fault.ts";
import type { Assertion } from "../../../core/plan/database.ts";
import { fullStop, withoutFullStop } from "../../../core/text/plain-text.ts";
import type { DownRequest, DownResult, ReversedMigration } from "../../../ports/migrations.ts";
import { downByProof } from "../by-proof.ts";
import { emptyAfter } from "../comes-back-empty.ts";
import type { Loss } from "../loss.ts";
import { newest } from "../newest.ts";
import { requireAssertions } from "../postgres/assertions.ts";
import type { Session } from "../postgres/session.ts";
import { irreversible, refuseLosses } from "../refuse-loss.ts";
import { lossesOf } from "./losses.ts";
import type { ToolPlace } from "./run-tool.ts";
import { changeWords, madeEmpty } from "./schema-change.ts";
import { type Back, type StepBack, stepsBack, whyKept } from "./steps-back.ts";
import { takeBack } from "./take-back.ts";
import type { CopySchema, Tried } from "./trial.ts";
import { triedBack, type Trials } from "./tried-back.ts";

/** Goes back: by proof for a release, by a person's word for a number of steps. */
export async function down(
  session: Session,
  place: ToolPlace,
  back: Back,
  request: DownRequest,
  { assertions, copySchema }: { readonly assertions: readonly Assertion[]; readonly copySchema: CopySchema },
): Promise<DownResult> {
  const { of } = request;
  const steps = stepsBack(back);
  const result =
    "steps" in of
      ? await downBySteps(session, place, back, newest(steps, of.steps), { ...request, copySchema })
      : await downByRelease(session, place, back, steps, { ...request, release: of.release, copySchema });
  if (result.reversed.length > 0 && !request.dryRun) await requireAssertions(session, assertions, "going back");
  return result;
}

type Order = DownRequest & { readonly copySchema: CopySchema };

/** Takes back what provably loses nothing, up to the first that has to stay: what is older may be what that stands on. */
async function downByRelease(
  session: Session,
  place: ToolPlace,
  back: Back,
  steps: readonly StepBack[],
  order: Order & { readonly release: number },
): Promise<DownResult> {
  const oldest = steps.findLastIndex(({ row }) => row?.release === order.release);
  const all = steps.slice(0, oldest + 1);
  const stop = all.findIndex((step) => step.row?.release !== order.release || whyKept(step) !== null);
  const candidates = stop < 0 ? all : all.slice(0, stop);
  const tried = await triedBack(place, back, candidates, order);
  return await downByProof(all, order.release, {
    whyKept,
    prove: (step) => takeBackProven(session, place, back, step, tried, order),
  });
}

/** A sentence instead: why it stays. */
async function takeBackProven(
  session: Session,
  place: ToolPlace,
  back: Back,
  step: StepBack,
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
  steps: readonly StepBack[],
  order: Order,
): Promise<DownResult> {
  for (const { name, why } of steps) if (why !== null) throw irreversible(name, why);
  const tried = await triedBack(place, back, steps, order);
  const losses = new Map<StepBack, readonly Loss[]>();
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

function reversedAs({ name }: StepBack, found: Tried | undefined, lost: readonly string[]): ReversedMigration {
  const way = found?.down ?? null;
  return {
    file: name,
    tookMs: way?.tookMs ?? 0,
    lost,
    changes: way === null ? [] : [...changeWords(way.change), ...way.writes],
  };
}

/** Faults: migration-loses-data, with each loss. */
function refuseLoss(steps: readonly StepBack[], losses: ReadonlyMap<StepBack, readonly Loss[]>): void {
  const detail = steps.flatMap((step) => {
    const all = (losses.get(step) ?? []).map(({ what }) => `${step.name} ${what}`);
    return all.length === 0 && step.revision?.reversible === "lossy"
      ? [`${step.name} says that its way back loses data (\`tidegate: reversible=lossy\`)`]
      : all;
  });
  refuseLosses(detail);
}
