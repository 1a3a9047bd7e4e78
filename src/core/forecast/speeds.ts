import type { Random } from "../analysis/statistics/random.ts";
import { LATENCY_RESOLUTION_MS, toleratedFactor } from "../analysis/evidence/slow-limit.ts";
import { FIRST_MOMENT_SECONDS, nextMoment, shiftMoments, visitorShift } from "../analysis/evidence/visitor-shift.ts";
import { TIMES_WAITED } from "../plan/hold-time.ts";
import type { DrawnVisitors } from "./drawn-visitors.ts";

/** How quick the app is for each visitor, as the data plane knows it: before the share was given, and since. */
export interface Speeds {
  /** ln of the milliseconds that a request took. */
  saw(visitor: number, logMs: number): void;
  /**
   * A second is over: ln of the evidence of that moment, or null where it is none at which visitors' own speeds are asked for.
   * `stableMs`: of the guard's quantile, below which a small difference is noise.
   */
  next(stableMs: number): number | null;
}

/** What is known of the step and its latencies. */
export interface SpeedsOf {
  /** The candidate's part of what is compared, 0 … 1. */
  readonly share: number;
  readonly tolerance: number;
  /** Requests of each visitor that were timed before the share was given, in the mean. */
  readonly timedBefore: number;
  /** ln of what is usual on stable, in milliseconds, and the standard deviation of one visitor's requests around theirs. */
  readonly usual: number;
  readonly spread: number;
}

/** With more requests older ones fade. */
const MOST_BEFORE = 200;
/** What is usual is the mean of so many of stable's last requests. */
const MEMORY = 1_000;

export function createSpeeds(
  { isCandidate, slowness, asks }: DrawnVisitors,
  { share, tolerance, timedBefore, usual, spread }: SpeedsOf,
  random: Random,
): Speeds {
  const visitors = Array.from(isCandidate, (side, place) => {
    const n = Math.min(MOST_BEFORE, random.poisson(Math.min(2 * MOST_BEFORE, timedBefore * (asks[place] ?? 0))));
    const sum = n * (slowness[place] ?? 0) + Math.sqrt(n) * spread * random.normal();
    return { isCandidate: side === 1, before: { n, sum }, now: { n: 0, sum: 0 } };
  });
  let mean = usual;
  let second = 0;
  let askedAt = FIRST_MOMENT_SECONDS;
  return {
    saw: (place, logMs) => {
      const visitor = visitors[place];
      if (visitor === undefined) return;
      visitor.now.n += 1;
      visitor.now.sum += logMs - mean;
      if (!visitor.isCandidate) mean += (logMs - mean) / MEMORY;
    },
    next: (stableMs) => {
      second += 1;
      if (second < askedAt) return null;
      askedAt = nextMoment(askedAt);
      const tolerated = toleratedFactor(stableMs, tolerance, LATENCY_RESOLUTION_MS);
      return visitorShift(visitors, share, tolerated).logEvidence;
    },
  };
}

/** How many moments the engine plans for a step of this length: it is waited for once more where it has shown too little. */
export function plannedMoments(seconds: number): number {
  return shiftMoments(TIMES_WAITED * seconds).length;
}
