import { type Guard, type Metric, METRICS, QUANTILES } from "../../core/plan/guard.ts";
import { formatPercent } from "../../core/analysis/figures.ts";
import { comparesAlone } from "../../core/analysis/tested-limits.ts";
import type { Told } from "./context.ts";
import type { Scope } from "./guards.ts";

/** Of the evidence of all comparisons, by kind of metric, where nothing is written. */
const USUAL = { rates: 0.5, latencies: 0.3, rest: 0.2 };

/**
 * Gives each metric that rolls back by comparison alone its part of the evidence: the same in every step, all together 1. What
 * is written stands; what is left goes to the others.
 */
export function weighed(
  steps: readonly (readonly Guard[])[],
  scopes: readonly Scope[],
  told: Told,
): readonly (readonly Guard[])[] {
  const metrics = [
    ...new Set(
      steps
        .flat()
        .filter(comparesAlone)
        .map(({ metric }) => metric),
    ),
  ];
  const written = new Map<Metric, number>();
  for (const { written: guards, path } of scopes) {
    for (const metric of metrics) {
      const mine = guards[metric];
      if (typeof mine !== "object" || mine.weight === undefined || path === null) continue;
      const sum = [...written].reduce((all, [other, part]) => all + (other === metric ? 0 : part), mine.weight);
      written.set(metric, mine.weight);
      if (sum > 1 + 1e-9 || mine.weight === 0)
        told.plan.push({
          code: "plan-value-invalid",
          what:
            mine.weight === 0
              ? "A weight of 0% would never let this comparison speak."
              : `The weights of all comparisons come to ${formatPercent(sum)}.`,
          fix: "Together they are at most 100%; what is left goes to the comparisons without a weight.",
          path: [...path, metric, "weight"],
          on: "value",
        });
    }
  }
  const weights = weightsOf(metrics, written);
  return steps.map((guards) =>
    guards.map((guard) => {
      const weight = comparesAlone(guard) ? weights.get(guard.metric) : undefined;
      return weight === undefined ? guard : { ...guard, weight };
    }),
  );
}

function weightsOf(metrics: readonly Metric[], written: ReadonlyMap<Metric, number>): ReadonlyMap<Metric, number> {
  const open = metrics.filter((metric) => !written.has(metric));
  const left = Math.max(0, 1 - [...written.values()].reduce((sum, part) => sum + part, 0));
  const usual = open.map(
    (metric) => USUAL[kindOf(metric)] / open.filter((one) => kindOf(one) === kindOf(metric)).length,
  );
  const all = usual.reduce((sum, part) => sum + part, 0);
  // With all of them written, they may come to less than 1: nothing is given to nobody.
  const scale = open.length === 0 ? 0 : left / all;
  const parts = metrics.map((metric): [Metric, number] => [
    metric,
    written.get(metric) ?? (usual[open.indexOf(metric)] ?? 0) * scale,
  ]);
  return new Map(parts.map(([metric, part]) => [metric, Number(part.toPrecision(6))]));
}

function kindOf(metric: Metric): keyof typeof USUAL {
  if (QUANTILES[metric] !== undefined) return "latencies";
  return METRICS[metric].unit === "share" ? "rates" : "rest";
}
