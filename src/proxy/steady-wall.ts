import type { Instant } from "../core/time/time.ts";

/** Wall time as this process began, and steady from then on: a clock that is set must not double or skip seconds. */
export function steadyWall(): Instant {
  return performance.timeOrigin + performance.now();
}
