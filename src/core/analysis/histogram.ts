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

/** Counts of all buckets, for what is added to and looked over often. Never changed once it was handed out. */
export type DenseBuckets = Float64Array;

/** Nothing in any bucket. */
export const NO_COUNTS: DenseBuckets = new Float64Array(BUCKET_COUNT);

/** The counts of all parts on top of `onto`, which stays as it is. */
export function summed(parts: readonly Buckets[], onto: DenseBuckets = NO_COUNTS): DenseBuckets {
  const sum = onto.slice();
  for (const part of parts) {
    const { buckets, counts } = packed(part);
    for (let index = 0; index < buckets.length; index += 1) {
      const bucket = buckets[index] ?? 0;
      sum[bucket] = (sum[bucket] ?? 0) + (counts[index] ?? 0);
    }
  }
  return sum;
}

/** As `quantile`. */
export function quantileOfSum(counts: DenseBuckets, q: number): number | null {
  let all = 0;
  for (const count of counts) all += count;
  if (all === 0) return null;
  const rank = Math.max(1, Math.ceil(q * all));
  let seen = 0;
  for (let bucket = 0; bucket < counts.length; bucket += 1) {
    seen += counts[bucket] ?? 0;
    if (seen >= rank) return upperEdge(bucket);
  }
  return null;
}

/** How many there are, and how many of them in buckets above `last`. */
export function countedAbove(part: Buckets, last: number): { readonly all: number; readonly above: number } {
  const { buckets, counts } = packed(part);
  let all = 0;
  let above = 0;
  for (let index = 0; index < buckets.length; index += 1) {
    const count = counts[index] ?? 0;
    all += count;
    if ((buckets[index] ?? 0) > last) above += count;
  }
  return { all, above };
}

interface Packed {
  readonly buckets: Uint16Array;
  readonly counts: Float64Array;
}

/** A second's histogram is looked over at every look for a minute: by the names of its keys that would take most of the judge's time. */
const known = new WeakMap<Buckets, Packed>();

function packed(part: Buckets): Packed {
  const before = known.get(part);
  if (before !== undefined) return before;
  const keys = Object.keys(part);
  const now = {
    buckets: Uint16Array.from(keys, Number),
    counts: Float64Array.from(keys, (key) => part[Number(key)] ?? 0),
  };
  known.set(part, now);
  return now;
}

function sorted(counts: Buckets): (readonly [number, number])[] {
  return Object.entries(counts)
    .map(([bucket, count]) => [Number(bucket), count] as const)
    .filter(([, count]) => count > 0)
    .sort((a, b) => a[0] - b[0]);
}
