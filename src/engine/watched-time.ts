import type { Duration, Moment } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";

/** A gap longer than this between two looks was not watched: the engine was stopped or starved. */
const LONGEST_GAP_MS = 3_000;

/** Counts the time in which this engine really looked at a release; a clock that jumps changes nothing. */
export interface WatchedTime {
  /** To be called at every look. */
  look(): void;
  now(): Moment;
}

export function watchedTime(clock: Clock, before: Duration): WatchedTime {
  let watched = before;
  let last = clock.monotonic();
  return {
    look: () => {
      const now = clock.monotonic();
      const gap = now - last;
      last = now;
      if (gap <= LONGEST_GAP_MS) watched += gap;
    },
    now: () => ({ wall: Math.round(clock.wall()), watched: Math.round(watched) }),
  };
}
