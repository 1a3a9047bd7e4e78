import { BUCKET_COUNT, bucketOf, upperEdge } from "../analysis/histogram.ts";
import { candidateLimitMs, RENEWED_EVERY_SECONDS, STABLE_WINDOW_SECONDS } from "../analysis/evidence/slow-limit.ts";
import { normalQuantile } from "../analysis/statistics/normal.ts";

/** Stable's quantiles over the last minute, renewed every ten seconds, at the edges of buckets; known before a second begins. */
export interface Limits {
  /** ln of the milliseconds of a request of stable. */
  saw(logMs: number): void;
  /** A second is over. */
  next(): void;
  /** ln of the limit of the quantile with that index, for stable and for the candidate. */
  ofStable(index: number): number;
  ofCandidate(index: number): number;
}

const PARTS = STABLE_WINDOW_SECONDS / RENEWED_EVERY_SECONDS;

/** Begins with the quantiles of a log-normal, as if it had been watched before. */
export function createLimits(
  quantiles: readonly number[],
  { middle, spread, tolerance }: { readonly middle: number; readonly spread: number; readonly tolerance: number },
): Limits {
  const stable = quantiles.map(() => 0);
  const candidate = quantiles.map(() => 0);
  const set = (index: number, bucket: number): void => {
    stable[index] = Math.log(upperEdge(bucket));
    candidate[index] = Math.log(candidateLimitMs(upperEdge(bucket), tolerance));
  };
  for (const [index, q] of quantiles.entries()) set(index, bucketOf(Math.exp(middle + spread * normalQuantile(q))));
  let parts: readonly Uint32Array[] = [new Uint32Array(BUCKET_COUNT)];
  let newest = parts[0] as Uint32Array;
  let seconds = 0;
  return {
    saw: (logMs) => {
      const bucket = bucketOf(Math.exp(logMs));
      newest[bucket] = (newest[bucket] ?? 0) + 1;
    },
    ofStable: (index) => stable[index] ?? 0,
    ofCandidate: (index) => candidate[index] ?? 0,
    next: () => {
      seconds += 1;
      if (seconds % RENEWED_EVERY_SECONDS !== 0) return;
      if (parts.length === PARTS) renew(set, quantiles, parts);
      newest = new Uint32Array(BUCKET_COUNT);
      parts = [...parts.slice(1 - PARTS), newest];
    },
  };
}

function renew(
  set: (index: number, bucket: number) => void,
  quantiles: readonly number[],
  parts: readonly Uint32Array[],
): void {
  const sums = Float64Array.from({ length: BUCKET_COUNT }, (_, bucket) =>
    parts.reduce((sum, part) => sum + (part[bucket] ?? 0), 0),
  );
  const all = sums.reduce((sum, each) => sum + each, 0);
  if (all === 0) return;
  let seen = 0;
  let next = 0;
  for (const [bucket, each] of sums.entries()) {
    seen += each;
    while (next < quantiles.length && seen >= Math.max(1, Math.ceil((quantiles[next] ?? 1) * all))) {
      set(next, bucket);
      next += 1;
    }
  }
}
