import type { Guard, GuardLevel } from "../../core/plan/guard.ts";
import { MINUTE } from "../../core/time/time.ts";
import type { Entry, Levels } from "./entries.ts";
import { filterOf } from "./features.ts";

/** A guard of what its scopes say, the innermost of each key; none where nothing is asked. */
export function makeGuard(
  { metric, feature, source }: Pick<Guard, "metric" | "feature" | "source">,
  asked: Pick<Guard, "limits" | "slo">,
  layers: readonly Entry[],
): readonly Guard[] {
  if (Object.keys(asked.limits).length === 0 && asked.slo === undefined) return [];
  const innermost = <K extends GuardKey>(key: K): Levels[K] =>
    layers.map(({ mine }) => mine).findLast((mine): mine is Levels => mine !== "off" && mine[key] !== undefined)?.[key];
  const written = (key: LookLimit): Partial<Pick<Guard, LookLimit>> => {
    const value = innermost(key);
    return value === undefined ? {} : { [key]: value };
  };
  const promote = innermost("promote");
  const to = innermost("to");
  return [
    {
      metric,
      ...(source === undefined ? {} : { source }),
      ...(feature === undefined ? {} : { feature, only: filterOf(innermost("only")) }),
      ...asked,
      // A figure from outside stands for itself: nobody can say of how many requests it is made.
      windowMs: innermost("window") ?? (source === undefined || source.from.kind === "log" ? MINUTE : 0),
      minRequests: innermost("minRequests") ?? (source === undefined ? 100 : 1),
      minEvents: innermost("minEvents") ?? (source === undefined ? 3 : 1),
      breaches: innermost("breaches") ?? 3,
      ...(promote === undefined ? {} : { promote }),
      ...written("failures"),
      ...written("inconclusive"),
      ...written("sourceErrors"),
      ...written("successes"),
      ...((innermost("delay") ?? 0) > 0 ? { delayMs: innermost("delay") ?? 0 } : {}),
      ...(to === undefined ? {} : { to }),
      ...(innermost("dryRun") === true ? { dryRun: true } : {}),
    },
  ];
}

/** How many looks of a kind there may be, where the plan says so. */
type LookLimit = "failures" | "inconclusive" | "sourceErrors" | "successes";

type GuardKey = Exclude<keyof Levels, GuardLevel | "weight" | "slo" | "compare">;
