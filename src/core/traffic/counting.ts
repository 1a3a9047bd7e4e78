import { type Duration, MINUTE } from "../time/time.ts";
import { type Guard, guardId, isActedOn, QUANTILES, type RequestFilter } from "../plan/guard.ts";
import { daysBeforeOf } from "../analysis/evidence/tested-limits.ts";
import type { Step } from "../plan/step.ts";
import { LATENCY_RESOLUTION_MS } from "../analysis/evidence/slow-limit.ts";
import type { Cohort } from "./share.ts";

/**
 * What the data plane counts for the judge, beside the requests. What is judged are visitors: shares are sticky, so who
 * fails always stays on one side for days, and would be a difference between versions that is none. A visitor's bad
 * request counts once in `onceMs` for a counter, and until then none of their requests count for it, on either side.
 */
export interface Counting {
  /** Counting begins anew with another release: nobody has been bad, nobody has been seen. */
  readonly release: number;
  readonly onceMs: Duration;
  readonly counters: readonly Counter[];
}

/** A visitor's bad requests count once in so long. */
export const ONCE_MS: Duration = 10 * MINUTE;

/** One question about requests: how many were there, how many of them were bad? */
export interface Counter {
  /** Names it in the rows. */
  readonly id: string;
  readonly bad: Bad;
  /** The requests that it is about; absent: all of them. */
  readonly only?: RequestFilter;
  /** Its requests are counted under this name too, whoever they are of and however often (`features` of a row). Absent: they are not. */
  readonly feature?: string;
  /** Under that name they are counted without a candidate too, for a later release that is held against them. */
  readonly lasting?: true;
}

/**
 * What makes a request a bad one: it got a 5xx or no answer, or it took longer than stable's own `quantile` (0 … 1, both
 * excluded) of the minute before. On the candidate it took `tolerance` times that, and at least `leastMs` more.
 */
export type Bad =
  | { readonly kind: "failed" }
  | {
      readonly kind: "slower";
      readonly quantile: number;
      readonly tolerance: number;
      readonly leastMs?: Duration;
    };

/** Stable's visitors are counted in so many groups of equal size, to see by how much groups differ that should not. */
export const COHORT_GROUPS = 20;

/** As many as have a bit each in a number that the plane passes about. */
const MOST_COUNTERS = 30;

/** Of a plan: what is watched in each step. */
interface Asked {
  readonly steps: readonly Pick<Step, "guards">[];
}

/** What the guards of the plan compare with stable, and no more; of features everything, because the rows tell nothing of them otherwise. */
export function countingOf(release: number, plan: Asked): Counting {
  return { release, onceMs: ONCE_MS, counters: countersOf(plan).slice(0, MOST_COUNTERS) };
}

/** Whether a data plane can count all that the plan asks for. */
export function asksTooMuch(plan: Asked): boolean {
  return countersOf(plan).length > MOST_COUNTERS;
}

function countersOf({ steps }: Asked): readonly Counter[] {
  const counters = new Map<string, Counter>();
  const guards = steps.flatMap((step) => step.guards);
  const lasting = new Set(guards.filter((guard) => daysBeforeOf(guard) !== null).map(({ feature }) => feature));
  // What acts comes first: by its tolerance visitors' own speeds are looked at.
  for (const guard of [...guards.filter(isActedOn), ...guards.filter((one) => !isActedOn(one))]) {
    const { metric, limits, feature, only } = guard;
    const about = feature === undefined || only === undefined ? {} : { feature, only };
    if (feature !== undefined)
      counters.set(`feature:${feature}`, {
        id: `feature:${feature}`,
        bad: { kind: "failed" },
        ...about,
        ...(lasting.has(feature) ? { lasting: true } : {}),
      });
    for (const limit of Object.values(limits).flat()) {
      if (limit.kind !== "relative") continue;
      const id = counterOf(guard, limit.factor);
      const quantile = QUANTILES[metric];
      if (quantile !== undefined)
        counters.set(id, {
          id,
          bad: { kind: "slower", quantile, tolerance: limit.factor, leastMs: LATENCY_RESOLUTION_MS },
          ...about,
        });
      if (metric === "errors") counters.set(id, { id, bad: { kind: "failed" }, ...about });
    }
  }
  return [...counters.values()];
}

/** The name of a comparison's counter: of latencies there is one for each factor. */
export function counterOf(guard: Pick<Guard, "metric" | "feature">, factor: number): string {
  return QUANTILES[guard.metric] === undefined ? guardId(guard) : `${guardId(guard)}@${factor}`;
}

/** Spread over all cohorts, so that the groups are as large as each other whatever share stable has. */
export function groupOf(cohort: Cohort): number {
  return cohort % COHORT_GROUPS;
}

/** Why a data plane can't count so, as the end of a sentence that begins with "table."; null: it can. */
export function whatIsWrongInCounting(counting: unknown): string | null {
  if (!isRecord(counting)) return "counting must be an object";
  if (!isWhole(counting.release)) return "counting.release must be a whole number";
  if (!isWhole(counting.onceMs) || counting.onceMs < 1) return "counting.onceMs must be at least 1";
  const { counters } = counting;
  if (!Array.isArray(counters)) return "counting.counters must be a list";
  if (counters.length > MOST_COUNTERS) return `counting.counters has more than ${MOST_COUNTERS}`;
  const ids = new Set<unknown>();
  for (const [i, counter] of counters.entries()) {
    const wrong = whatIsWrongInCounter(counter);
    if (wrong !== null) return `counting.counters[${i}]${wrong}`;
    const { id } = counter as Counter;
    if (ids.has(id)) return `counting.counters has two of the id ${id}`;
    ids.add(id);
  }
  return null;
}

function whatIsWrongInCounter(counter: unknown): string | null {
  if (!isRecord(counter)) return " must be an object";
  if (typeof counter.id !== "string" || counter.id === "") return ".id must be a string, and not empty";
  const { bad, only } = counter;
  if (!isRecord(bad) || (bad.kind !== "failed" && bad.kind !== "slower")) return ".bad.kind must be failed or slower";
  if (bad.kind === "slower") {
    const { quantile, tolerance } = bad;
    if (typeof quantile !== "number" || !(quantile > 0 && quantile < 1)) return ".bad.quantile must be between 0 and 1";
    if (typeof tolerance !== "number" || !(tolerance > 0 && tolerance < Number.POSITIVE_INFINITY))
      return ".bad.tolerance must be a positive number";
    if (bad.leastMs !== undefined && !(typeof bad.leastMs === "number" && bad.leastMs >= 0))
      return ".bad.leastMs must be a number of milliseconds";
  }
  if (counter.feature !== undefined && (typeof counter.feature !== "string" || counter.feature === ""))
    return ".feature must be a string, and not empty";
  if (counter.lasting !== undefined && counter.lasting !== true) return ".lasting must be true where it is said";
  return only === undefined ? null : whatIsWrongInFilter(only);
}

function whatIsWrongInFilter(only: unknown): string | null {
  if (!isRecord(only)) return ".only must be an object";
  const { method, path, header } = only;
  if (method !== undefined && typeof method !== "string") return ".only.method must be a string";
  if (path !== undefined && (typeof path !== "string" || !path.startsWith("/")))
    return ".only.path must be a string that starts with /";
  if (header === undefined) return null;
  if (!isRecord(header) || typeof header.name !== "string" || header.name === "" || typeof header.value !== "string")
    return ".only.header must have a name and a value";
  return null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
