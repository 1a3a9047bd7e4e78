import { formatPercent } from "../../core/analysis/figures.ts";
import { factsOf, guardLabel } from "../../core/plan/guard.ts";
import type { PathProblem } from "../reading/problem.ts";
import { type Scope, writtenIn } from "./entries.ts";

/** Within one scope a step must not pass with a rate that the same guard holds or puts back for. */
export function promoteBeyond(scope: Scope): readonly PathProblem[] {
  return writtenIn(scope).flatMap((entry) => {
    const { mine, path } = entry;
    const { unit, worse } = factsOf(entry);
    const { promote } = mine;
    if (promote === undefined || unit !== "share") return [];
    const level = (["rollback", "hold"] as const).find((each) => {
      const [limit, ...more] = mine[each] ?? [];
      // Of a list all must be broken: the other one may be what allows for more. A limit over a window has no part in passing.
      if (limit?.kind !== "absolute" || more.length > 0) return false;
      return promote > (worse === "higher" ? limit.value : 1 - limit.value) + ROUNDING;
    });
    if (level === undefined) return [];
    return [
      {
        code: "plan-value-invalid",
        what: `A step would pass with ${guardLabel(entry)} that this guard ${level === "hold" ? "holds" : "rolls back"} for: \`promote\` asks only that ${formatPercent(promote)} is excluded.`,
        fix: `Write at most the limit of \`${level}\`, or leave \`promote\` out: then that limit is what must be excluded.`,
        path: [...path, "promote"],
        on: "value" as const,
      },
    ];
  });
}

/** 1 − 99.9 % is not exactly 0.1 %. */
const ROUNDING = 1e-9;
