import { leastSeconds, power } from "../analysis/statistics/power.ts";
import type { Forecast } from "./forecast.ts";
import { besidesOf } from "./besides.ts";
import { badParts, inClosedForm } from "./closed-form.ts";
import { worseErrorRates } from "./ladder.ts";
import type { ForecastGuard } from "./traffic-model.ts";

/** A small fault, and how long it takes to be seen in this traffic. */
export interface HonestLimit {
  readonly errors: number;
  readonly seconds: number;
  /** What the best of all methods would need. */
  readonly leastSeconds: number;
}

/** The largest error rate that takes longer than the step, else the smallest that is a fault at all; null: nothing can be worse than stable. */
export function honestLimit({ traffic, seconds, comparison, tempering }: Forecast): HonestLimit | null {
  const guard = comparison.guards.find(({ id }) => id === "errors");
  if (guard === undefined) return null;
  const { alpha } = comparison;
  const limits = worseErrorRates(traffic.stableErrors, guard.tolerance).flatMap((errors): HonestLimit[] => {
    const question = {
      candidateRps: traffic.rps * traffic.share,
      stableRps: traffic.rps * besidesOf(traffic),
      candidateBad: errors,
      stableBad: traffic.stableErrors,
      seconds,
      alpha,
    };
    const { delaySeconds } = power({
      ...question,
      weight: guard.weight,
      tolerance: guard.tolerance,
      tempering: tempering ?? 1,
    });
    const least = leastSeconds(question);
    return delaySeconds === null || least === null ? [] : [{ errors, seconds: delaySeconds, leastSeconds: least }];
  });
  return limits.findLast((limit) => limit.seconds > seconds) ?? limits[0] ?? null;
}

/** How long the fault that the traffic describes takes to be seen; null: it is within what is tolerated, so that no traffic shows it. */
export function timeOfFault(forecast: Forecast): Omit<HonestLimit, "errors"> | null {
  const { traffic, seconds, comparison } = forecast;
  const parts = badParts(traffic);
  const { delaySeconds } = inClosedForm(forecast);
  const least = comparison.guards.flatMap(({ id }): number[] => {
    const part = parts[id as ForecastGuard];
    if (part === undefined) return [];
    const [candidateRps, stableRps] = [traffic.rps * traffic.share, traffic.rps * besidesOf(traffic)];
    const question = { candidateRps, stableRps, candidateBad: part.candidate, stableBad: part.stable };
    const found = leastSeconds({ ...question, seconds, alpha: comparison.alpha });
    return found === null ? [] : [found];
  });
  return delaySeconds === null || least.length === 0
    ? null
    : { seconds: delaySeconds, leastSeconds: Math.min(...least) };
}
