import { type Guard, isActedOn, type Metric, METRICS } from "../../core/plan/guard.ts";
import { formatPercent } from "../../core/analysis/figures.ts";
import { usualWeights } from "../../core/plan/usual-weights.ts";
import { comparesAlone } from "../../core/analysis/tested-limits.ts";
import type { Path } from "../reading/located.ts";
import type { PathProblem } from "../reading/problem.ts";
import type { Told } from "./context.ts";
import type { Scope } from "./guards.ts";

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
        .filter(isWeighed)
        .map(({ metric }) => metric),
    ),
  ];
  told.plan.push(...ofNoUse(steps.flat(), scopes));
  const written = new Map<Metric, number>();
  let last: Path | null = null;
  for (const { written: guards, path } of scopes) {
    for (const metric of metrics) {
      const mine = guards[metric];
      if (typeof mine !== "object" || mine.weight === undefined || path === null) continue;
      const sum = [...written].reduce((all, [other, part]) => all + (other === metric ? 0 : part), mine.weight);
      written.set(metric, mine.weight);
      last = [...path, metric, "weight"];
      if (sum > 1 + 1e-9 || mine.weight === 0)
        told.plan.push({
          code: "plan-value-invalid",
          what:
            mine.weight === 0
              ? "A weight of 0% would never let this comparison speak."
              : `The weights of all comparisons come to ${formatPercent(sum)}.`,
          fix: "Together they are at most 100%; what is left goes to the comparisons without a weight.",
          path: last,
          on: "value",
        });
    }
  }
  const sum = [...written.values()].reduce((all, part) => all + part, 0);
  if (last !== null && written.size === metrics.length && sum < 1 - 1e-9)
    told.plan.push({
      code: "plan-value-invalid",
      what: `The weights of all comparisons come to ${formatPercent(sum)}: what is left would be nobody's.`,
      fix: "Together they are 100%. Leave one of them out, and it gets what is left.",
      path: last,
      on: "value",
    });
  const weights = weightsOf(metrics, written);
  return steps.map((guards) =>
    guards.map((guard) => {
      const weight = isWeighed(guard) ? weights.get(guard.metric) : undefined;
      return weight === undefined ? guard : { ...guard, weight };
    }),
  );
}

/** What is only tried out takes nothing of what the others have. */
function isWeighed(guard: Guard): boolean {
  return comparesAlone(guard) && isActedOn(guard);
}

/** Weights that would change nothing. */
function ofNoUse(guards: readonly Guard[], scopes: readonly Scope[]): readonly PathProblem[] {
  return scopes.flatMap(({ written, path }) =>
    path === null
      ? []
      : (Object.keys(METRICS) as readonly Metric[]).flatMap((metric): readonly PathProblem[] => {
          const mine = written[metric];
          if (typeof mine !== "object" || mine.weight === undefined) return [];
          const { label } = METRICS[metric];
          const all = guards.filter((guard) => guard.metric === metric);
          const isTriedOut = mine.dryRun === true || (all.length > 0 && !all.some(isActedOn));
          if (!isTriedOut && (all.length === 0 || all.some(isWeighed))) return [];
          const what = isTriedOut
            ? `A dry run has no part of the evidence, so the weight of ${label} would change nothing.`
            : `Only a comparison that rolls back by itself, like \`rollback: 1.5x\`, has a weight, and ${label} has none.`;
          const fix = isTriedOut ? "Remove `weight`, or `dryRun`." : "Remove `weight`, or write such a limit.";
          return [{ code: "plan-value-invalid", what, fix, path: [...path, metric, "weight"], on: "key" }];
        }),
  );
}

function weightsOf(metrics: readonly Metric[], written: ReadonlyMap<Metric, number>): ReadonlyMap<Metric, number> {
  const open = metrics.filter((metric) => !written.has(metric));
  const left = Math.max(0, 1 - [...written.values()].reduce((sum, part) => sum + part, 0));
  const usual = usualWeights(open);
  const parts = metrics.map((metric): [Metric, number] => [
    metric,
    written.get(metric) ?? (usual.get(metric) ?? 0) * left,
  ]);
  return new Map(parts.map(([metric, part]) => [metric, Number(part.toPrecision(6))]));
}
