import { formatPercent } from "../../core/analysis/figures.ts";
import { type Metric, METRICS } from "../../core/plan/guard.ts";
import type { PathProblem } from "../reading/problem.ts";
import type { Scope } from "./guards.ts";

/** Within one scope a step must not pass with a rate that the same guard holds or puts back for. */
export function promoteBeyond({ written, path }: Scope): readonly PathProblem[] {
  if (path === null) return [];
  return (Object.keys(METRICS) as readonly Metric[]).flatMap((metric) => {
    const mine = written[metric];
    if (typeof mine !== "object" || mine.promote === undefined || METRICS[metric].unit !== "share") return [];
    const { promote } = mine;
    const level = (["rollback", "hold"] as const).find((each) => {
      const [limit, ...more] = mine[each] ?? [];
      // Of a list all must be broken: the other one may be what allows for more.
      if (limit === undefined || !("value" in limit) || more.length > 0) return false;
      return promote > (METRICS[metric].worse === "higher" ? limit.value : 1 - limit.value) + ROUNDING;
    });
    if (level === undefined) return [];
    return [
      {
        code: "plan-value-invalid",
        what: `A step would pass with ${METRICS[metric].label} that this guard ${level === "hold" ? "holds" : "rolls back"} for: \`promote\` asks only that ${formatPercent(promote)} is excluded.`,
        fix: `Write at most the limit of \`${level}\`, or leave \`promote\` out: then that limit is what must be excluded.`,
        path: [...path, metric, "promote"],
        on: "value" as const,
      },
    ];
  });
}

/** 1 − 99.9 % is not exactly 0.1 %. */
const ROUNDING = 1e-9;
