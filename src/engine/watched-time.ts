import type { Duration, Moment } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";

/** A gap between two looks that is longer than this, or than three looks, was not watched: the engine was stopped. */
const LONGEST_GAP_MS = 3_000;

/** Counts the time in which this engine really looked at a release; a clock that jumps changes nothing. */
export interface WatchedTime {
  /** To be called at every look. */
  look(): void;
  now(): Moment;
}

export function watchedTime(clock: Clock, before: Duration, paceMs: Duration): WatchedTime {
  const longest = Math.max(LONGEST_GAP_MS, 3 * paceMs);
  let watched = before;
  let last = clock.monotonic();
  return {
    look: () => {
      const now = clock.monotonic();
      const gap = now - last;
      last = now;
      if (gap <= longest) watched += gap;
    },
    now: () => ({ wall: Math.round(clock.wall()), watched: Math.round(watched) }),
  };
}
