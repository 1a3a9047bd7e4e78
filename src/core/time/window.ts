import type { WeeklySpan, Window } from "../plan/step.ts";
import { quietestSpans, type TrafficProfile } from "./quietest.ts";
import { DAY, type Duration, type Instant, MINUTE } from "./time.ts";
import { minuteOfWeek, offsetAt, MINUTES_A_WEEK, weekdayAndTime } from "./zone.ts";

/** Whether a `window` step may go on now. */
export interface WindowState {
  readonly open: boolean;
  /** When it opens next; null while it is open, or when nobody can tell. */
  readonly opensAt: Instant | null;
  /** When it closes; null while it is closed, or when it never does. */
  readonly closesAt: Instant | null;
  /** For people: "The window sat-sun 01:00-05:00 opens Sat 01:00 (Europe/Berlin)." It stays right while time passes. */
  readonly sentence: string;
}

/**
 * A window at `now` (wall time). Local times are those that a clock on the wall there shows: an hour that the change to
 * summer time skips is missing from a span, one that comes twice is in it twice. `profile` is read for `quietest` only.
 */
export function windowAt(window: Window, now: Instant, profile?: TrafficProfile): WindowState {
  if (window.kind === "times") return stateOf(window.spans, window.zone, `The window ${window.text}`, now);
  const quietest = quietestSpans(profile, window.hours);
  if (!quietest.known) return { open: false, opensAt: null, closesAt: null, sentence: quietest.sentence };
  return stateOf(
    quietest.spans,
    window.zone,
    `The window of the quietest ${hours(window.hours)} (${quietest.text})`,
    now,
  );
}

function stateOf(spans: readonly WeeklySpan[], zone: string, name: string, now: Instant): WindowState {
  const open = isWithin(spans, zone, now);
  const change = nextChange(spans, zone, now, open);
  const at = change === null ? "" : `${weekdayAndTime(change, zone)} (${zone})`;
  if (open) {
    const sentence = change === null ? `${name} is always open.` : `${name} is open; it closes ${at}.`;
    return { open, opensAt: null, closesAt: change, sentence };
  }
  const sentence = change === null ? `${name} never opens.` : `${name} opens ${at}.`;
  return { open, opensAt: change, closesAt: null, sentence };
}

/** Is a moment inside any of the spans? A span that ends where it begins is the whole week. */
function isWithin(spans: readonly WeeklySpan[], zone: string, at: Instant): boolean {
  const minute = minuteOfWeek(at, zone);
  return spans.some(({ fromMinute, toMinute }) =>
    fromMinute < toMinute ? minute >= fromMinute && minute < toMinute : minute >= fromMinute || minute < toMinute,
  );
}

/** Longer than a week, for a span that the change to summer time swallows once. */
const HORIZON: Duration = 15 * DAY;

/**
 * The first moment after `now` at which the window is no longer as it is. Between two changes of the zone's offset
 * local time runs evenly, so only the ends of spans and the changes themselves need a look.
 */
function nextChange(spans: readonly WeeklySpan[], zone: string, now: Instant, open: boolean): Instant | null {
  const edges = [...new Set(spans.flatMap(({ fromMinute, toMinute }) => [fromMinute, toMinute]))];
  let at = now;
  while (at < now + HORIZON) {
    const turn = nextOffsetChange(zone, at, now + HORIZON);
    const startOfMinute = at - (((at % MINUTE) + MINUTE) % MINUTE);
    const minute = minuteOfWeek(at, zone);
    const looks = edges
      .map((edge) => startOfMinute + ((((edge - minute) % MINUTES_A_WEEK) + MINUTES_A_WEEK) % MINUTES_A_WEEK) * MINUTE)
      .filter((look) => look > at && look < turn)
      .sort((a, b) => a - b);
    const found = [...looks, turn].find((look) => isWithin(spans, zone, look) !== open);
    if (found !== undefined) return found;
    at = turn;
  }
  return null;
}

/** When the zone's distance from UTC changes next after `at`, to the second; `until` when it does not before. */
function nextOffsetChange(zone: string, at: Instant, until: Instant): Instant {
  const offset = offsetAt(at, zone);
  let before = at;
  let after = at;
  do {
    before = after;
    after = Math.min(after + DAY, until);
    if (after === before) return until;
  } while (offsetAt(after, zone) === offset);
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(middle, zone) === offset) before = middle;
    else after = middle;
  }
  return after;
}

function hours(count: number): string {
  return count === 1 ? "hour" : `${count} hours`;
}
