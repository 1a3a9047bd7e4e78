import type { SecondRow } from "../../observation.ts";
import { bucketOf, quantileOfSum, summed, upperEdge } from "../histogram.ts";

/** Above which an answer counts as slow, at the edges of buckets: the candidate's is further up by the tolerance. */
export interface SlowLimit {
  readonly stableMs: number;
  readonly candidateMs: number;
}

/** Stable's quantiles are those of so many seconds before, here and in the data plane. */
export const STABLE_WINDOW_SECONDS = 60;
/** They are taken anew so often. */
export const RENEWED_EVERY_SECONDS = 10;
/** With fewer answers of stable nobody can say what is slow. */
export const LEAST_ANSWERS = 100;

/** Differences below this are not told apart: on a quiet service 2 ms against 5 ms is noise. */
export const LATENCY_RESOLUTION_MS = 25;

/** Above which an answer of the candidate is slow, where stable's is above `stableMs`. */
export function candidateLimitMs(stableMs: number, tolerance: number): number {
  return upperEdge(bucketOf(Math.max(stableMs * tolerance, stableMs + LATENCY_RESOLUTION_MS)));
}

/** So many times as long as stable the candidate may take, where stable's quantile is `stableMs` and differences of `leastMs` are noise. */
export function toleratedFactor(stableMs: number, tolerance: number, leastMs: number): number {
  return Math.max(tolerance, 1 + leastMs / stableMs);
}

/**
 * Stable's own quantile over the minute before a second, so that it is known before that second begins. null while stable has
 * answered fewer than a hundred requests.
 */
export function slowLimit(
  rows: readonly SecondRow[],
  stable: string,
  before: number,
  { quantile: q, tolerance }: { readonly quantile: number; readonly tolerance: number },
): SlowLimit | null {
  const mine = rows.filter(
    ({ version, second }) => version === stable && second < before && second >= before - STABLE_WINDOW_SECONDS,
  );
  if (mine.reduce((sum, { requests }) => sum + requests, 0) < LEAST_ANSWERS) return null;
  const sum = summed(mine.map(({ latency }) => latency));
  const stableMs = quantileOfSum(sum, q);
  if (stableMs === null) return null;
  return { stableMs, candidateMs: candidateLimitMs(stableMs, tolerance) };
}
