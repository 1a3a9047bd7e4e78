/**
 * Latencies in logarithmic buckets of 1 % width: small, mergeable, and exact at bucket edges, which is where limits are
 * put. Sparse (bucket → count), because most of the 2 000 buckets of a second are empty.
 */
export type Buckets = Readonly<Record<number, number>>;

const SMALLEST_MS = 0.01;
const GROWTH = 1.01;
const LOG_GROWTH = Math.log(GROWTH);

/** How many buckets there are: up to 0.01 ms, then 1 % each; the last one holds everything beyond an hour. */
export const BUCKET_COUNT = 2_000;

const EDGES = Float64Array.from({ length: BUCKET_COUNT }, (_, bucket) => SMALLEST_MS * GROWTH ** bucket);

/** The bucket whose range (lower edge, upper edge] holds the latency. */
export function bucketOf(ms: number): number {
  if (!(ms > SMALLEST_MS)) return 0;
  let bucket = Math.min(BUCKET_COUNT - 1, Math.ceil(Math.log(ms / SMALLEST_MS) / LOG_GROWTH));
  // The logarithm is off by an ulp at an edge; the table of edges decides.
  while (bucket < BUCKET_COUNT - 1 && ms > upperEdge(bucket)) bucket += 1;
  while (bucket > 0 && ms <= upperEdge(bucket - 1)) bucket -= 1;
  return bucket;
}

/** Milliseconds; the bucket holds nothing above (but the last one, which has no end). */
export function upperEdge(bucket: number): number {
  return EDGES[Math.max(0, Math.min(BUCKET_COUNT - 1, bucket))] ?? 0;
}

/**
 * The upper edge of the bucket that holds the q-th part of all, in milliseconds: at most 1 % above the true quantile.
 * null without any counts. `q` in 0 … 1.
 */
export function quantile(counts: Buckets, q: number): number | null {
  const entries = sorted(counts);
  const all = entries.reduce((sum, [, count]) => sum + count, 0);
  if (all === 0) return null;
  const rank = Math.max(1, Math.ceil(q * all));
  let seen = 0;
  for (const [bucket, count] of entries) {
    seen += count;
    if (seen >= rank) return upperEdge(bucket);
  }
  return null;
}

/** All counts in one histogram. */
export function merge(...parts: readonly Buckets[]): Buckets {
  const sum: Record<number, number> = {};
  for (const part of parts) {
    for (const key in part) sum[key] = (sum[key] ?? 0) + (part[key] ?? 0);
  }
  return sum;
}

function sorted(counts: Buckets): (readonly [number, number])[] {
  return Object.entries(counts)
    .map(([bucket, count]) => [Number(bucket), count] as const)
    .filter(([, count]) => count > 0)
    .sort((a, b) => a[0] - b[0]);
}
