import { setTimeout as delay } from "node:timers/promises";
import type { Plan } from "../../core/plan/plan.ts";
import type { Release } from "../../core/release/release.ts";
import type { Session } from "../session.ts";
import { runRelease } from "./run-release.ts";
import { doingOf, releaseSteps } from "./release-steps.ts";
import type { RunningRehearsal } from "./running-rehearsal.ts";
import type { PartLog } from "./run-log.ts";

/** One version serves, and is asked. */
export async function answersAlone({ visitors, signal }: RunningRehearsal, part: PartLog): Promise<void> {
  visitors?.resume();
  if (visitors !== null) await part.step("answers alone", () => delay(ALONE_MS, undefined, { signal }));
}

const ALONE_MS = 600;

/** Runs a release and writes its steps down; throws why it did not come as far as was asked. */
export async function released(
  { production, signal }: RunningRehearsal,
  session: Session,
  part: PartLog,
  wanted: { readonly plan: Plan; readonly version: string; readonly until: "end" | "last-share" },
): Promise<Release> {
  const steps = releaseSteps(production.plan, part.add);
  const { release, trouble } = await runRelease({
    ...wanted,
    session,
    signal,
    onLook: (seen, status) => {
      steps.look(seen);
      const { step, said } = doingOf(seen, status);
      part.now(step, said);
    },
  });
  steps.end(release);
  if (trouble === null) return release;
  const failed = release.steps.findLast(({ startedAt }) => startedAt !== null);
  const step = wanted.plan.steps.find(({ id }) => id === failed?.step);
  return part.fail(step?.name ?? "release", trouble);
}
