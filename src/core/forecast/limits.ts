import { BUCKET_COUNT, bucketOf, upperEdge } from "../analysis/histogram.ts";
import { normalQuantile } from "../analysis/normal.ts";

/** Stable's quantiles over the last minute, renewed every ten seconds, at the edges of buckets; known before a second begins. */
export interface Limits {
  /** ln of the milliseconds of a request of stable. */
  saw(logMs: number): void;
  /** A second is over. */
  next(): void;
  /** ln of the limit of the quantile with that index. */
  logOf(index: number): number;
}

const RENEWED_AFTER_SECONDS = 10;
const PARTS_OF_A_MINUTE = 6;

/** Begins with the quantiles of a log-normal, as if it had been watched before. */
export function createLimits(
  quantiles: readonly number[],
  { middle, spread }: { readonly middle: number; readonly spread: number },
): Limits {
  const logLimits = quantiles.map((q) => logEdge(bucketOf(Math.exp(middle + spread * normalQuantile(q)))));
  let parts: readonly Uint32Array[] = [new Uint32Array(BUCKET_COUNT)];
  let newest = parts[0] as Uint32Array;
  let seconds = 0;
  return {
    saw: (logMs) => {
      const bucket = bucketOf(Math.exp(logMs));
      newest[bucket] = (newest[bucket] ?? 0) + 1;
    },
    logOf: (index) => logLimits[index] ?? 0,
    next: () => {
      seconds += 1;
      if (seconds % RENEWED_AFTER_SECONDS !== 0) return;
      if (parts.length === PARTS_OF_A_MINUTE) renew(logLimits, quantiles, parts);
      newest = new Uint32Array(BUCKET_COUNT);
      parts = [...parts.slice(1 - PARTS_OF_A_MINUTE), newest];
    },
  };
}

function renew(logLimits: number[], quantiles: readonly number[], parts: readonly Uint32Array[]): void {
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
      logLimits[next] = logEdge(bucket);
      next += 1;
    }
  }
}

function logEdge(bucket: number): number {
  return Math.log(upperEdge(bucket));
}
