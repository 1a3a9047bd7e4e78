/** Steps of 2 %: the figures that it gives are that exact. */
const STEP = Math.log(1.02);
/** Below this all are alike. */
const FINEST_MS = 0.1;

/** Counts how long things took, in a few hundred numbers however many there are. */
export class Latencies {
  readonly #buckets = new Map<number, number>();
  #count = 0;

  add(ms: number): void {
    const bucket = Math.max(0, Math.ceil(Math.log(ms / FINEST_MS) / STEP));
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
    this.#count += 1;
  }

  /** The time within which a part (0 … 1) of them were done; null when there was none. */
  quantile(part: number): number | null {
    let left = Math.max(1, Math.ceil(this.#count * part));
    for (const [bucket, count] of [...this.#buckets].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left <= 0) return Math.round(FINEST_MS * Math.exp(bucket * STEP) * 10) / 10;
    }
    return null;
  }
}
