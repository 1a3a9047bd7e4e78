import { ALPHA } from "../analysis/evidence/bounds.ts";
import type { ComparedGuard, Comparison } from "../analysis/evidence/comparison.ts";
import { usualWeights } from "../plan/usual-weights.ts";
import type { ForecastGuard } from "./traffic-model.ts";

/** The odds ratio of errors that is still no worse, where a plan says nothing else. */
export const ERROR_TOLERANCE = 1.5;
/** The factor by which latencies may be longer, where a plan says nothing else. */
export const LATENCY_TOLERANCE = 1.15;

/** Of the evidence of a release, as a plan without guards has it: errors and p95. */
export const GUARD_WEIGHTS: Readonly<Partial<Record<ForecastGuard, number>>> = Object.fromEntries(
  [...usualWeights([{ metric: "errors" }, { metric: "p95" }])].map(([{ metric }, weight]) => [metric, weight]),
);

/** The guards that have a weight. The tolerance of latencies is not here: the candidate's are divided by it when they are counted. */
export function comparisonOf(
  weights: Readonly<Partial<Record<ForecastGuard, number>>>,
  errorTolerance: number,
  plannedSeconds: number,
): Comparison {
  const guards = Object.entries(weights)
    .filter(([, weight]) => weight > 0)
    .map(([id, weight]): ComparedGuard => ({ id, weight, tolerance: id === "errors" ? errorTolerance : 1 }));
  return { guards, alpha: ALPHA, plannedSeconds };
}
