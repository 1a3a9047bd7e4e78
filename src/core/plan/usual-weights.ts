import { type Metric, METRICS, QUANTILES } from "./guard.ts";

/** Of the evidence of all comparisons, by kind of metric, where nothing is written. */
const USUAL = { rates: 0.5, latencies: 0.3, rest: 0.2 };

/** What each of these metrics gets of 1 where the plan says nothing: each kind its part, shared by all of the kind. */
export function usualWeights<M extends Metric>(metrics: readonly M[]): ReadonlyMap<M, number> {
  const usual = metrics.map(
    (metric) => USUAL[kindOf(metric)] / metrics.filter((one) => kindOf(one) === kindOf(metric)).length,
  );
  const all = usual.reduce((sum, part) => sum + part, 0);
  return new Map(
    metrics.map((metric, index): [M, number] => [metric, Number(((usual[index] ?? 0) / all).toPrecision(12))]),
  );
}

function kindOf(metric: Metric): keyof typeof USUAL {
  if (QUANTILES[metric] !== undefined) return "latencies";
  return METRICS[metric].unit === "share" ? "rates" : "rest";
}
