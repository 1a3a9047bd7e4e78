import { ERROR_TOLERANCE, LATENCY_TOLERANCE } from "../../core/forecast/guards.ts";
import {
  type DaysBefore,
  type Guard,
  type GuardLevel,
  isOfRequests,
  type Limit,
  type Measured,
} from "../../core/plan/guard.ts";
import type { Path } from "../reading/located.ts";
import type { PathProblem } from "../reading/problem.ts";
import { type Entry, guardsIn, layersOf, LEVELS, type Levels, type Scope } from "./entries.ts";
import { makeGuard } from "./make-guard.ts";
import { type LookedAt, lookedAt } from "./never-looked-at.ts";

/** At all times. */
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
  /** It runs and has no traffic yet, and will have some. */
  readonly isBeforeTraffic: boolean;
  /** Stable has traffic too, so that the two can be compared. */
  readonly comparison: boolean;
  /** Why the rest can't be. */
  readonly reason: string;
}

/**
 * Lays scopes over each other, level by level. A level that can't be measured where it stands (`1.5x` when all traffic
 * is the new version's) leaves the wider one in force.
 */
export function guardCompiler(): {
  readonly compile: (scopes: readonly Scope[], measurable: Measurable) => readonly Guard[];
  readonly neverLookedAt: () => readonly PathProblem[];
} {
  const looked = lookedAt();
  return {
    compile: (scopes, measurable) =>
      guardsIn(scopes).flatMap((guard) => {
        const layers = layersOf(guard, scopes);
        return makeGuard(guard, laidOver(guard, layers, measurable, looked), layers);
      }),
    neverLookedAt: looked.never,
  };
}

/** What is asked in the end, the widest layer first. */
function laidOver(
  guard: Measured,
  layers: readonly Entry[],
  measurable: Measurable,
  looked: LookedAt,
): Pick<Guard, "limits" | "slo"> {
  const limits: Partial<Record<GuardLevel, readonly Limit[]>> = {};
  const days = daysAsked(guard, layers);
  let slo: number | null = null;
  for (const entry of layers) {
    const { mine, path } = entry;
    for (const level of LEVELS) {
      const set = mine === "off" ? null : mine[level];
      if (set === null) delete limits[level];
      if (set === null || set === undefined) continue;
      const at = { ...entry, path: path && [...path, level] };
      const asked = applied(guard, set, { ...at, days }, measurable, looked);
      if (asked !== null) limits[level] = asked;
    }
    if (mine === "off" || mine.slo === null) slo = null;
    else if (mine.slo !== undefined && isObjective(mine, path && [...path, "slo"], measurable, looked)) slo = mine.slo;
  }
  return { limits, ...(slo === null ? {} : { slo }) };
}

/** The limits as they are asked there; null: they can't be. */
function applied(
  guard: Measured,
  limits: readonly Limit[],
  {
    path,
    isOfPlace,
    isWide,
    days,
  }: Pick<Entry, "path" | "isOfPlace" | "isWide"> & { readonly days: DaysBefore | null },
  measurable: Measurable,
  looked: LookedAt,
): readonly Limit[] | null {
  const measured = isOfRequests(guard) ? measurable.requests : measurable.processes;
  // What nobody uses yet sells nothing: a figure of the whole plan is about a version with traffic.
  if (guard.source !== undefined && isWide === true && measurable.isBeforeTraffic) {
    looked.notHere(limits, path, measurable.reason);
    return null;
  }
  const isOverWindow = limits.some(({ kind }) => kind === "plain");
  const compares =
    days === null
      ? measurable.comparison || (isOfPlace === true && hasBefore(guard) && !isOverWindow)
      : measured && !isOverWindow;
  // All of a list must be broken: what can't be asked can't be broken.
  if (measured && limits.every(({ kind }) => kind !== "relative" || compares)) {
    looked.here(limits);
    return days === null && measurable.comparison ? limits : limits.map((limit) => againstBefore(limit, days));
  }
  looked.notHere(limits, path, days !== null && measured ? OVER_WINDOW : measurable.reason);
  return null;
}

const OVER_WINDOW = 'a list with a limit over a window, like `"> 1%"`, can\'t be held against another day';

/** Against which day limits like `1.5x` are held, by the innermost that says so; null: stable. */
function daysAsked(guard: Measured, layers: readonly Entry[]): DaysBefore | null {
  const compare = hasBefore(guard)
    ? layers.map(({ mine }) => (mine === "off" ? undefined : mine.compare)).findLast((one) => one !== undefined)
    : undefined;
  return compare === "day-before" ? 1 : compare === "week-before" ? 7 : null;
}

/** Of requests it is known what stable did before; of an availability a factor says nothing of odds. */
function hasBefore(guard: Measured): boolean {
  return isOfRequests(guard) && guard.metric !== "availability";
}

function againstBefore(limit: Limit, days: DaysBefore | null): Limit {
  if (limit.kind !== "relative") return limit;
  return { kind: "before", factor: limit.factor, ...(days === null ? {} : { days }) };
}

/** An objective is about the service's users, and all of them are the candidate's only once it has all traffic. */
function isObjective(
  levels: Levels,
  path: Path | null,
  { requests, comparison, reason }: Measurable,
  looked: LookedAt,
): boolean {
  const isMeasured = requests && !comparison;
  if (isMeasured) looked.here(levels);
  else looked.notHere(levels, path, reason === "" ? WHILE_SPLIT : reason);
  return isMeasured;
}

const WHILE_SPLIT =
  "while the traffic is split the new version is compared with stable, and its objective is asked for once it has all of it";
