import type { Path } from "../reading/located.ts";
import type { PathProblem } from "../reading/problem.ts";

/** Remembers which limits were looked at somewhere, so that one that never is can be told: it would protect nobody. */
export interface LookedAt {
  /** `what`: by what stands there, a list of limits, or a metric's levels for its objective. */
  readonly here: (what: object) => void;
  /** `path`: null where it is Tidegate's own default. */
  readonly notHere: (what: object, path: Path | null, reason: string) => void;
  readonly never: () => readonly PathProblem[];
}

/** For one plan. */
export function lookedAt(): LookedAt {
  const unused = new Map<object, { readonly path: Path; readonly reason: string }>();
  const used = new Set<object>();
  return {
    here: (what) => void used.add(what),
    notHere: (what, path, reason) => {
      if (path !== null) unused.set(what, { path, reason });
    },
    never: () =>
      [...unused]
        .filter(([what]) => !used.has(what))
        .map(([, { path, reason }]) => ({
          code: "plan-value-invalid",
          what: `This limit is never looked at: ${reason}.`,
          fix: "Remove it, or move it to where it can be measured.",
          path,
          on: "value",
          isAbsence: true,
        })),
  };
}
