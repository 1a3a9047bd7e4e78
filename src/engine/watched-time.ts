import type { Duration, Moment } from "../core/time/time.ts";
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
  /** Since the last look; nothing where that is so long ago that nobody can be said to have watched. */
  const gap = (): Duration => {
    const since = clock.monotonic() - last;
    return since <= longest ? since : 0;
  };
  return {
    look: () => {
      watched += gap();
      last = clock.monotonic();
    },
    // What begins since the last look did not begin with it: a hold would be shorter by as much.
    now: () => ({ wall: Math.round(clock.wall()), watched: Math.round(watched + gap()) }),
  };
}
