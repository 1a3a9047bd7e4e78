import {
  type DaysBefore,
  GUARD_LEVELS,
  type Guard,
  type GuardLevel,
  isOfProcesses,
  isOfRequests,
  type Limit,
  QUANTILES,
} from "../../plan/guard.ts";
import type { Look } from "../look.ts";

/** A limit that is tested with evidence. */
export interface TestedLimit {
  /** Level and place, as in `rollback:0`: by it the evidence is kept. */
  readonly key: string;
  readonly level: GuardLevel;
  readonly limit: Limit;
}

/**
 * By what the evidence on a limit is kept. A limit of its own is asked anew once the candidate has all traffic: the good days
 * before, and those of a bake of weeks, must not outweigh the minute in which it breaks.
 */
export function evidenceKey({ key, limit }: TestedLimit, { switched }: Partial<Pick<Look, "switched">>): string {
  return switched === undefined || limit.kind === "relative" ? key : `${OF_ALL_TRAFFIC}${key}`;
}

/** How keys of evidence begin that is of one step with all traffic. */
export const OF_ALL_TRAFFIC = "all:";

/** Limits of a guard that are tested with evidence. */
export function tested(guard: Guard): readonly TestedLimit[] {
  return Object.entries(guard.limits).flatMap(([level, limits]) =>
    limits.flatMap((limit, index) =>
      isTested(guard, limit) ? [{ key: `${level}:${index}`, level: level as GuardLevel, limit }] : [],
    ),
  );
}

/** Those of them that do more than tell people. */
export function acting(guard: Guard): readonly TestedLimit[] {
  return tested(guard).filter(({ level }) => level !== "warn");
}

/** Limits of a rollback that stable can break by itself too: absolute ones, and those of other days. */
export function ownLimits(guard: Guard): readonly TestedLimit[] {
  return tested(guard).filter(
    ({ level, limit }) =>
      level === "rollback" && (limit.kind === "absolute" || (limit.kind === "before" && limit.days !== undefined)),
  );
}

/** A comparison of availabilities says nothing of odds, and is left to its window. */
export function isTested(guard: Guard, { kind }: Limit): boolean {
  const compares = kind === "relative" || kind === "before";
  return isOfRequests(guard) && kind !== "plain" && !(guard.metric === "availability" && compares);
}

/** A limit on CPU, memory or a figure from outside that is looked at by blocks of minutes (gauge-limits.ts). */
export function isOfBlocks(guard: Guard, { kind }: Limit): boolean {
  return (isOfProcesses(guard.metric) || guard.source !== undefined) && (kind === "relative" || kind === "growth");
}

/** A comparison that rolls back by itself, and so lives on the release's one budget of evidence. */
export function comparesAlone(guard: Guard): boolean {
  const [only, ...more] = guard.limits.rollback ?? [];
  return only?.kind === "relative" && more.length === 0 && isTested(guard, only);
}

/** The rate of bad requests that must not be exceeded: of a latency's limit, the part that is slower. */
export function limitRate({ metric }: Pick<Guard, "metric">, value: number): number {
  const q = QUANTILES[metric];
  if (q !== undefined) return 1 - q;
  return metric === "availability" ? 1 - value : value;
}

/** How many times as bad as stable was at another time the candidate may be: by the first such limit that does more than tell. */
export function limitBefore(guard: Guard): LimitBefore | null {
  return (
    acting(guard)
      .map(({ limit }) => limit)
      .find((limit) => limit.kind === "before") ?? null
  );
}

type LimitBefore = Extract<Limit, { kind: "before" }>;

/** How many days before is what it is held against; null: nothing of it is held against another day. */
export function daysBeforeOf(guard: Guard): DaysBefore | null {
  // Asked of every guard several times a look: without making lists.
  for (const level of GUARD_LEVELS)
    for (const limit of guard.limits[level] ?? [])
      if (limit.kind === "before" && limit.days !== undefined) return limit.days;
  return null;
}

/** Whether it is about how long answers take. */
export function isLatency({ metric }: Guard): boolean {
  return QUANTILES[metric] !== undefined;
}

/** The odds ratio that a comparison tolerates: a latency's factor has divided the candidate's figures already. */
export function toleranceOf({ metric }: Guard, factor: number): number {
  return QUANTILES[metric] === undefined ? factor : 1;
}

/** A step passes only when an odds ratio of so many times the tolerated one is excluded. */
export const EXCLUDED_RATIO = 2;

export const USUAL_MARGIN = 0.01;

/** The rate that must be excluded before a step passes; of a latency, the part slower than `limitMs`. null: it has no limit of its own. */
export function marginOf(guard: Guard): { readonly rate: number; readonly limitMs: number | null } | null {
  const absolute = (["rollback", "hold"] as const)
    .flatMap((level) => guard.limits[level] ?? [])
    .find(({ kind }) => kind === "absolute");
  const value = absolute?.kind === "absolute" ? absolute.value : null;
  if (QUANTILES[guard.metric] !== undefined)
    return value === null ? null : { rate: guard.promote ?? limitRate(guard, value), limitMs: value };
  return { rate: guard.promote ?? (value === null ? USUAL_MARGIN : limitRate(guard, value)), limitMs: null };
}

/**
 * Of a latency that is only compared: the part of the answers beyond stable's own quantile that must be excluded, whatever stable does
 * meanwhile. Where all answers take equally long nothing is beyond it on either side, and a ratio would never be shown.
 */
export function tailToExclude({ metric }: Guard): number | null {
  const q = QUANTILES[metric];
  if (q === undefined) return null;
  const odds = (EXCLUDED_RATIO * (1 - q)) / q;
  return odds / (1 + odds);
}

/** The rate of bad requests that must be excluded before a step passes, of whichever kind; null: a ratio to stable must be. */
export function rateToExclude(guard: Guard): number | null {
  return marginOf(guard)?.rate ?? tailToExclude(guard);
}

/** Whether it is a rate, and does nothing but compare it. */
export function isRateCompared(guard: Guard): boolean {
  return QUANTILES[guard.metric] === undefined && comparesAlone(guard);
}

/** How many times as bad as stable a candidate may be where the plan does not say it. */
export const USUAL_FACTOR = 1.5;

/** Whether the candidate is compared with stable while that breaks the guard's own limits too, and nothing of the guard compares by itself. */
export function comparesInTrouble(guard: Guard): boolean {
  return QUANTILES[guard.metric] === undefined && guard.metric !== "availability" && factorsOf(guard).length === 0;
}

/** How many times as bad as stable the candidate may be, by each limit that compares; several have several. */
export function factorsOf(guard: Guard): readonly number[] {
  const factors = tested(guard).flatMap(({ limit }) => (limit.kind === "relative" ? [limit.factor] : []));
  return [...new Set(factors)];
}

/** The factor of the limit that does most; null: nothing of the guard is compared. */
export function factorOf(guard: Guard): number | null {
  const relative = tested(guard).filter(({ limit }) => limit.kind === "relative");
  const most = GUARD_LEVELS.flatMap((level) => relative.filter((one) => one.level === level))[0]?.limit;
  return most?.kind === "relative" ? most.factor : null;
}
