import { factsOf } from "../../core/plan/guard.ts";
import type { PathProblem } from "../reading/problem.ts";
import { LEVELS, type Scope, writtenIn } from "./entries.ts";

/** Within one scope a warning must come before a hold, and both before a rollback. */
export function levelsOutOfOrder(scope: Scope): readonly PathProblem[] {
  return writtenIn(scope).flatMap((entry) => {
    const { mine, path } = entry;
    const set = LEVELS.flatMap((level) => {
      const [limit, ...more] = mine[level] ?? [];
      return (limit?.kind === "absolute" || limit?.kind === "plain") && more.length === 0
        ? [{ level, value: limit.value }]
        : [];
    });
    return set.slice(1).flatMap(({ level, value }, index): readonly PathProblem[] => {
      const before = set[index];
      if (before === undefined) return [];
      const late = factsOf(entry).worse === "higher" ? before.value > value : before.value < value;
      const key = [...path, before.level];
      const what = `\`${before.level}\` is beyond \`${level}\` here, so it is never reached.`;
      return late ? [{ code: "plan-value-invalid", what, fix: "Swap the two limits.", path: key, on: "value" }] : [];
    });
  });
}
