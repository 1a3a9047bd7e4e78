import type { Counter, Counting } from "../../src/core/traffic/counting.ts";
import { MINUTE } from "../../src/core/time/time.ts";

/** Errors, and what is slower than stable's p50, p95 and p99 by more than 15 %. */
export function usualCounting(release: number): Counting {
  return {
    release,
    onceMs: 10 * MINUTE,
    counters: [
      { id: "errors", bad: { kind: "failed" } },
      ...[50, 95, 99].map((percent): Counter => ({
        id: `p${percent}`,
        bad: { kind: "slower", quantile: percent / 100, tolerance: 1.15 },
      })),
    ],
  };
}
