import { formatDuration, SECOND } from "../../core/time/time.ts";

/** Lines of a log stand in the order in which requests ended: a little disorder is nothing to tell of. */
const LITTLE_SECONDS = 60;

/** What to know of the times of a recording, in the order of its lines: a clock that was put back. */
export function timeNotes(seconds: readonly number[]): readonly string[] {
  let newest = Number.NEGATIVE_INFINITY;
  let most = 0;
  for (const second of seconds) {
    most = Math.max(most, newest - second);
    newest = Math.max(newest, second);
  }
  if (most <= LITTLE_SECONDS) return [];
  return [
    `Times go back by up to ${formatDuration(most * SECOND)} from line to line. Everything was put in order by its time; if a clock was put back, judge the parts before and after it alone.`,
  ];
}
