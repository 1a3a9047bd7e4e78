import { BUCKET_COUNT, quantile } from "../core/analysis/histogram.ts";
import { LEAST_ANSWERS, RENEWED_EVERY_SECONDS, STABLE_WINDOW_SECONDS } from "../core/analysis/evidence/slow-limit.ts";

/** The minute that is over, and the block that is open. */
const BLOCKS = STABLE_WINDOW_SECONDS / RENEWED_EVERY_SECONDS + 1;

/** Latencies of the last minute, in blocks of ten seconds. What it says changes when a block begins, and only then. */
export class LatencyWindow {
  readonly #blocks = Array.from({ length: BLOCKS }, () => new Uint32Array(BUCKET_COUNT));
  /** Number of the open block since 1970. */
  #open = 0;

  add(bucket: number): void {
    ((this.#blocks[this.#open % BLOCKS] as Uint32Array)[bucket] as number) += 1;
  }

  /** A second begins. Answers whether a block begins with it. */
  begin(second: number): boolean {
    const block = Math.floor(second / RENEWED_EVERY_SECONDS);
    if (block <= this.#open) return false;
    for (let each = Math.max(this.#open + 1, block - BLOCKS + 1); each <= block; each += 1)
      this.#blocks[each % BLOCKS]?.fill(0);
    this.#open = block;
    return true;
  }

  /** Of the minute before the open block, in milliseconds at a bucket's upper edge; null: too few requests to say. */
  quantile(q: number): number | null {
    const sum: Record<number, number> = {};
    let requests = 0;
    for (const [index, block] of this.#blocks.entries()) {
      if (index === this.#open % BLOCKS) continue;
      for (let bucket = 0; bucket < BUCKET_COUNT; bucket += 1) {
        const count = block[bucket] as number;
        if (count === 0) continue;
        requests += count;
        sum[bucket] = (sum[bucket] ?? 0) + count;
      }
    }
    return requests < LEAST_ANSWERS ? null : quantile(sum, q);
  }
}
