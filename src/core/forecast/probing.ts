import { UNPROVEN } from "../analysis/statistics/e-process.ts";
import { isProbed } from "../analysis/evidence/probes.ts";
import { rateToExclude } from "../analysis/evidence/tested-limits.ts";
import { goodUntilShown } from "../analysis/evidence/until-shown.ts";
import type { Guard } from "../plan/guard.ts";
import type { Plan } from "../plan/plan.ts";
import { SECOND } from "../time/time.ts";

/** Seconds until probes alone have shown that a version of which none fails is good enough; null: the plan has none. */
export function secondsOfProbes(guards: readonly Guard[], probes: Plan["probes"]): number | null {
  if (probes === undefined || probes.flows.length === 0) return null;
  const needed = guards.filter(isProbed).map((guard) => {
    const rate = rateToExclude(guard);
    return rate === null ? 0 : goodUntilShown(UNPROVEN, rate);
  });
  return (Math.ceil(Math.max(0, ...needed) / probes.flows.length) * probes.everyMs) / SECOND;
}
