import { ERROR_TOLERANCE, LATENCY_TOLERANCE } from "../../core/forecast/guards.ts";
import {
  type Guard,
  GUARD_LEVELS,
  type GuardLevel,
  isOfProcesses,
  type Limit,
  type Metric,
  METRICS,
} from "../../core/plan/guard.ts";
import { MINUTE } from "../../core/time/time.ts";
import type { Path } from "../reading/located.ts";
import type { PathProblem } from "../reading/problem.ts";
import { type Entry, guardsIn, layersOf, type Levels, type Scope, writtenIn } from "./entries.ts";
import { filterOf } from "./features.ts";

/** The mildest first. */
const LEVELS: readonly GuardLevel[] = GUARD_LEVELS.toReversed();

export const DEFAULT_GUARDS: Scope["written"] = {
  errors: { rollback: [{ kind: "absolute", value: 0.01 }] },
  restarts: { rollback: [{ kind: "absolute", value: 2 }] },
};

/** While the traffic is split. */
export const DEFAULT_COMPARISONS: Scope["written"] = {
  errors: { rollback: [{ kind: "relative", factor: ERROR_TOLERANCE }] },
  p95: { rollback: [{ kind: "relative", factor: LATENCY_TOLERANCE }] },
};

/** What can be measured of the new version at a place of the plan. */
export interface Measurable {
  readonly requests: boolean;
  readonly processes: boolean;
  /** Stable has traffic too, so that the two can be compared. */
  readonly comparison: boolean;
  /** Why the rest can't be. */
  readonly reason: string;
}

/**
 * Lays scopes over each other, level by level. A level that can't be measured where it stands (`1.5x` when all traffic
 * is the new version's) leaves the wider one in force. Remembers which limits were looked at somewhere, so that one
 * that never is can be told: it would protect nobody.
 */
export function guardCompiler(): {
  readonly compile: (scopes: readonly Scope[], measurable: Measurable) => readonly Guard[];
  readonly neverLookedAt: () => readonly PathProblem[];
} {
  /** By what stands there: a list of limits, or the metric's levels for its objective. */
  const unused = new Map<object, { readonly path: Path; readonly reason: string }>();
  const used = new Set<object>();
  /** The limits as they are asked there; null: they can't be. */
  const applied = (
    metric: Metric,
    limits: readonly Limit[],
    { path, isOfPlace }: Pick<Entry, "path" | "isOfPlace">,
    measurable: Measurable,
  ): readonly Limit[] | null => {
    const measured = isOfProcesses(metric) ? measurable.processes : measurable.requests;
    const compares =
      measurable.comparison ||
      (isOfPlace === true && hasBefore(metric) && !limits.some(({ kind }) => kind === "plain"));
    // All of a list must be broken: what can't be asked can't be broken.
    if (measured && limits.every(({ kind }) => kind !== "relative" || compares)) {
      used.add(limits);
      return measurable.comparison ? limits : limits.map(againstBefore);
    }
    if (path !== null) unused.set(limits, { path, reason: measurable.reason });
    return null;
  };
  /** An objective is about the service's users, and all of them are the candidate's only once it has all traffic. */
  const isObjective = (levels: Levels, path: Path | null, { requests, comparison, reason }: Measurable): boolean => {
    const isMeasured = requests && !comparison;
    if (isMeasured) used.add(levels);
    else if (path !== null) unused.set(levels, { path, reason: reason === "" ? WHILE_SPLIT : reason });
    return isMeasured;
  };
  return {
    compile: (scopes, measurable) =>
      guardsIn(scopes).flatMap((guard) => {
        const limits: Partial<Record<GuardLevel, readonly Limit[]>> = {};
        let slo: number | null = null;
        const layers = layersOf(guard, scopes);
        for (const entry of layers) {
          const { mine, path } = entry;
          for (const level of LEVELS) {
            const set = mine === "off" ? null : mine[level];
            const at = { ...entry, path: path && [...path, level] };
            const asked = set === null || set === undefined ? set : applied(guard.metric, set, at, measurable);
            if (set === null) delete limits[level];
            else if (asked !== null && asked !== undefined) limits[level] = asked;
          }
          if (mine === "off" || mine.slo === null) slo = null;
          else if (mine.slo !== undefined && isObjective(mine, path && [...path, "slo"], measurable)) slo = mine.slo;
        }
        return makeGuard(guard, { limits, ...(slo === null ? {} : { slo }) }, layers);
      }),
    neverLookedAt: () =>
      [...unused]
        .filter(([limits]) => !used.has(limits))
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

/** Of requests it is known what stable did before; of an availability a factor says nothing of odds. */
function hasBefore(metric: Metric): boolean {
  return !isOfProcesses(metric) && metric !== "availability";
}

function againstBefore(limit: Limit): Limit {
  return limit.kind === "relative" ? { kind: "before", factor: limit.factor } : limit;
}

const WHILE_SPLIT =
  "while the traffic is split the new version is compared with stable, and its objective is asked for once it has all of it";

/** How many looks of a kind there may be, where the plan says so. */
type LookLimit = "failures" | "inconclusive" | "sourceErrors" | "successes";

type GuardKey = Exclude<keyof Levels, GuardLevel | "weight" | "slo">;

function makeGuard(
  { metric, feature }: Pick<Guard, "metric" | "feature">,
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
  return [
    {
      metric,
      ...(feature === undefined ? {} : { feature, only: filterOf(innermost("only")) }),
      ...asked,
      windowMs: innermost("window") ?? MINUTE,
      minRequests: innermost("minRequests") ?? 100,
      minEvents: innermost("minEvents") ?? 3,
      breaches: innermost("breaches") ?? 3,
      ...(promote === undefined ? {} : { promote }),
      ...written("failures"),
      ...written("inconclusive"),
      ...written("sourceErrors"),
      ...written("successes"),
      ...((innermost("delay") ?? 0) > 0 ? { delayMs: innermost("delay") ?? 0 } : {}),
      ...(innermost("dryRun") === true ? { dryRun: true } : {}),
    },
  ];
}

/** Within one scope a warning must come before a hold, and both before a rollback. */
export function levelsOutOfOrder(scope: Scope): readonly PathProblem[] {
  return writtenIn(scope).flatMap(({ metric, mine, path }) => {
    const set = LEVELS.flatMap((level) => {
      const [limit, ...more] = mine[level] ?? [];
      return (limit?.kind === "absolute" || limit?.kind === "plain") && more.length === 0
        ? [{ level, value: limit.value }]
        : [];
    });
    return set.slice(1).flatMap(({ level, value }, index): readonly PathProblem[] => {
      const before = set[index];
      if (before === undefined) return [];
      const late = METRICS[metric].worse === "higher" ? before.value > value : before.value < value;
      const key = [...path, before.level];
      const what = `\`${before.level}\` is beyond \`${level}\` here, so it is never reached.`;
      return late ? [{ code: "plan-value-invalid", what, fix: "Swap the two limits.", path: key, on: "value" }] : [];
    });
  });
}
