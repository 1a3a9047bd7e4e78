import type { CountedSecond } from "../analysis/comparison.ts";
import { type Buckets, bucketOf, merge, quantile } from "../analysis/histogram.ts";
import type { SecondRow } from "../observation.ts";
import { type ForecastGuard, LATENCY_GUARDS } from "./traffic-model.ts";

/** Both versions in one second; null: nothing of that version is recorded. */
export interface RecordedSecond {
  readonly second: number;
  readonly candidate: RecordedSide | null;
  readonly stable: RecordedSide | null;
  /** A share changed in it: it is not counted. */
  readonly isMixed: boolean;
}

export interface RecordedSide {
  readonly requests: number;
  readonly bad: number;
  readonly latency: Buckets;
}

/** Rows in any order, put together by second. Two rows of a version in a second, as of two planes, are added. */
export function recordedSeconds(
  rows: readonly SecondRow[],
  candidate: string,
  stable: string,
): readonly RecordedSecond[] {
  const seconds = new Map<number, { candidate: RecordedSide | null; stable: RecordedSide | null; isMixed: boolean }>();
  for (const row of rows) {
    const side = row.version === candidate ? "candidate" : row.version === stable ? "stable" : null;
    if (side === null) continue;
    const both = seconds.get(row.second) ?? { candidate: null, stable: null, isMixed: false };
    both[side] = added(both[side], row);
    both.isMixed ||= row.mixed;
    seconds.set(row.second, both);
  }
  return [...seconds].map(([second, both]) => ({ second, ...both })).sort((a, b) => a.second - b.second);
}

function added(before: RecordedSide | null, row: SecondRow): RecordedSide {
  const bad = row.status.server + row.status.failed;
  if (before === null) return { requests: row.requests, bad, latency: row.latency };
  return {
    requests: before.requests + row.requests,
    bad: before.bad + bad,
    latency: merge(before.latency, row.latency),
  };
}

/** Stable's quantiles, above which a request counts as slow, in milliseconds. Known before the second that is counted begins. */
export type SlowLimits = Readonly<Partial<Record<keyof typeof LATENCY_GUARDS, number>>>;

/** `minute`: stable's latencies of the last minute. None where it has answered too little to know. */
export function slowLimits(minute: readonly Buckets[]): SlowLimits {
  const latency = merge(...minute);
  const answers = Object.values(latency).reduce((sum, count) => sum + count, 0);
  if (answers < LEAST_ANSWERS) return {};
  return Object.fromEntries(Object.entries(LATENCY_GUARDS).map(([guard, q]) => [guard, quantile(latency, q) ?? 0]));
}

const LEAST_ANSWERS = 100;

/** What each guard counts of a second. */
export function countedOf(
  { candidate, stable }: RecordedSecond,
  limits: SlowLimits,
  latencyTolerance: number,
): Readonly<Partial<Record<ForecastGuard, CountedSecond>>> {
  const counted: Partial<Record<ForecastGuard, CountedSecond>> = {
    errors: {
      n: candidate?.requests ?? 0,
      bad: candidate?.bad ?? 0,
      nStable: stable?.requests ?? 0,
      badStable: stable?.bad ?? 0,
    },
  };
  for (const [guard, limit] of Object.entries(limits)) {
    const mine = slower(candidate?.latency ?? {}, limit * latencyTolerance);
    const theirs = slower(stable?.latency ?? {}, limit);
    counted[guard as ForecastGuard] = { n: mine.n, bad: mine.bad, nStable: theirs.n, badStable: theirs.bad };
  }
  return counted;
}

/** Answers in buckets that lie above the limit as a whole. */
function slower(latency: Buckets, limitMs: number): { readonly n: number; readonly bad: number } {
  const last = bucketOf(limitMs);
  let n = 0;
  let bad = 0;
  for (const key in latency) {
    const count = latency[key] ?? 0;
    n += count;
    if (Number(key) > last) bad += count;
  }
  return { n, bad };
}
