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

/** `unwatchedMs`: after which the data plane takes the share back; a gap in which it may have done so was not watched. */
export function watchedTime(clock: Clock, before: Duration, paceMs: Duration, unwatchedMs: Duration): WatchedTime {
  const longest = Math.max(Math.min(LONGEST_GAP_MS, unwatchedMs / 2), 3 * paceMs);
  let watched = before;
  let last = clock.monotonic();
  /** So much of the time since the last look was told as watched already. */
  let told = 0;
  return {
    look: () => {
      const now = clock.monotonic();
      const gap = now - last;
      last = now;
      watched += gap <= longest ? gap : told;
      told = 0;
    },
    now: () => {
      const gap = clock.monotonic() - last;
      // What began since the last look did not begin with it: a hold would be shorter by as much.
      if (gap <= longest) told = gap;
      return { wall: Math.round(clock.wall()), watched: Math.round(watched + told) };
    },
  };
}
