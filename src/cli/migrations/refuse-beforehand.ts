import { FaultError } from "../../core/fault.ts";
import type { Plan } from "../../core/plan/plan.ts";
import { placeBefore } from "../../engine/start-release.ts";
import type { Context } from "../context.ts";
import { openReading, readRelease } from "../session.ts";
import { pendingOfVersion } from "./pending-of-version.ts";
import { phasesOf } from "./phases-of-plan.ts";
import { refusalOfRelease } from "./refusal-of-release.ts";

/**
 * Looks at what a release would migrate before it begins. Whatever can't be known now the step itself will find.
 * Faults: migration-lint, migration-edited and its like, where that would refuse one of them.
 */
export async function refuseBeforehand(context: Context, plan: Plan, wanted: string): Promise<void> {
  if (phasesOf(plan).size === 0) return;
  const order = { project: context.project(), plan, env: context.env, say: () => undefined, isFollowed: true };
  const { runtime } = await context.machinery.outside(order);
  const candidate = await runtime.resolve(wanted).catch(() => null);
  if (candidate === null) return;
  const stable = plan.database?.queries === undefined ? null : await servingVersion(context, plan);
  const found = await pendingOfVersion(context, { plan, candidate: candidate.version, stable });
  const refusal = refusalOfRelease(plan, found);
  if (refusal !== null) throw new FaultError({ ...refusal, what: `${refusal.what} Nothing was begun.` });
}

async function servingVersion(context: Context, { app, environment }: Plan): Promise<string | null> {
  await using reading = await openReading(context, context.project());
  if (reading === null) return null;
  const { journal } = reading;
  const ids = (await journal.releases({ app, environment })).slice(0, LOOK_BACK);
  const releases = await Promise.all(ids.map((id) => readRelease(journal, id)));
  const before = placeBefore(releases.filter((release) => release !== null));
  return before === null || before.adopted !== undefined ? null : before.version;
}

/** How many releases back it matters what serves. */
const LOOK_BACK = 10;
