import { setTimeout as after } from "node:timers/promises";
import type { Clock } from "../../ports/clock.ts";

/** Longer timers than this fire at once in Node (a signed 32-bit count of milliseconds). */
const LONGEST_TIMER = 2 ** 31 - 1;

/** The machine's own clocks. */
export const systemClock: Clock = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
  async sleep(duration, signal) {
    const until = performance.now() + duration;
    for (let left = duration; ; left = until - performance.now()) {
      signal?.throwIfAborted();
      try {
        await after(Math.min(Math.max(0, left), LONGEST_TIMER), undefined, signal === undefined ? {} : { signal });
      } catch {
        signal?.throwIfAborted();
      }
      if (left <= LONGEST_TIMER) return;
    }
  },
};
