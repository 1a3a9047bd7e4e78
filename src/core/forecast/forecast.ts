import { LEAST_FAILING_VISITORS } from "../analysis/evidence/bounds.ts";
import { compare, type Comparison, evidenceOf, NO_COMPARISON } from "../analysis/evidence/comparison.ts";
import { createRandom } from "../analysis/statistics/random.ts";
import { NO_OPEN_STRATA, together } from "../analysis/evidence/strata.ts";
import { shiftEvidence } from "../analysis/evidence/visitor-shift.ts";
import { LATENCIES } from "../plan/guard.ts";
import { plannedMoments } from "./speeds.ts";
import { createTraffic } from "./traffic.ts";
import type { ForecastGuard, TrafficModel } from "./traffic-model.ts";

/** One step, judged as the engine judges: made-up traffic, the real comparison. */
export interface Forecast {
  readonly traffic: TrafficModel;
  readonly seconds: number;
  readonly comparison: Comparison;
  /** Evidence is multiplied by it. null: by 1/max(1, dispersion), as stable's visitors show it, and by 1 where nobody tells them apart. */
  readonly tempering: number | null;
}

/** The second in which it would have been rolled back; null: not at all. The same seed gives the same answer. */
export function play({ traffic, seconds, comparison, tempering }: Forecast, seed: number): number | null {
  const next = createTraffic(traffic, (guard) => comparison.guards.some(({ id }) => id === guard), createRandom(seed));
  const bound = Math.log(1 / comparison.alpha);
  let state = NO_COMPARISON;
  let open = NO_OPEN_STRATA;
  const speeds: number[] = [];
  const bySpeeds = besideLatency(comparison, seconds);
  for (let second = 1; second <= seconds; second += 1) {
    const { counted, visitors, failing, temperings, speedEvidence } = next();
    const strata = together(open, counted);
    open = strata.open;
    const tempered = comparison.guards.map(({ id }) => [id, tempering ?? temperings[id as ForecastGuard] ?? 1]);
    state = compare(state, comparison, strata.closed, Object.fromEntries(tempered));
    if (speedEvidence !== null) speeds.push(speedEvidence);
    const { logTotal, strongest } = evidenceOf(state, comparison, bySpeeds(speeds));
    if (logTotal < bound || strongest === null) continue;
    if (visitors === null || (failing[strongest as ForecastGuard] ?? 0) >= LEAST_FAILING_VISITORS) return second;
  }
  return null;
}

/** As the judge does it: what visitors' own speeds say is said beside the first guard of latencies, once it is known. */
function besideLatency(
  { guards }: Comparison,
  seconds: number,
): (speeds: readonly number[]) => Readonly<Record<string, number>> {
  const first = guards.find(({ id }) => id in LATENCIES);
  const count = plannedMoments(seconds);
  return (speeds) => (first === undefined || speeds.length === 0 ? {} : { [first.id]: shiftEvidence(speeds, count) });
}

/** What many runs came to. */
export interface ForecastResult {
  readonly runs: number;
  /** The part of them that was caught, 0 … 1. */
  readonly caught: number;
  /** Of those that were caught; null: none. */
  readonly delaySeconds: { readonly median: number; readonly p95: number } | null;
}

/** Of the seconds in which runs were caught; null: a run that was not. */
export function summarize(caughtAt: readonly (number | null)[]): ForecastResult {
  const delays = caughtAt.filter((at) => at !== null).sort((a, b) => a - b);
  const at = (q: number): number => delays[Math.min(delays.length - 1, Math.ceil(q * delays.length) - 1)] ?? 0;
  return {
    runs: caughtAt.length,
    caught: caughtAt.length === 0 ? 0 : delays.length / caughtAt.length,
    delaySeconds: delays.length === 0 ? null : { median: at(0.5), p95: at(0.95) },
  };
}

/** The same traffic with a candidate that is as good as stable. */
export function healthy(traffic: TrafficModel): TrafficModel {
  return {
    ...traffic,
    candidateErrors: traffic.stableErrors,
    latency: traffic.latency === null ? null : { ...traffic.latency, candidateSlower: 1 },
  };
}
