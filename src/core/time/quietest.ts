import type { WeeklySpan } from "../plan/step.ts";
import { DAY, type Duration, formatDuration, HOUR, type Instant } from "./time.ts";
import { clockTime, minuteOfWeek } from "./zone.ts";

/** How busy each hour of the day is, in local time of a zone. Plain JSON. */
export interface TrafficProfile {
  /** 24 figures: requests in an average hour of that name; null: never seen. */
  readonly requestsByHour: readonly (number | null)[];
  /** How much time is behind it all. */
  readonly seenMs: Duration;
}

/** What was counted in (at most) one hour. */
export interface HourOfTraffic {
  /** Any moment in it. */
  readonly at: Instant;
  readonly seenMs: Duration;
  readonly requests: number;
}

/** The profile behind counted hours, each weighed by how much of it was seen. */
export function trafficProfile(counted: readonly HourOfTraffic[], zone: string): TrafficProfile {
  const hours = Array.from({ length: 24 }, () => ({ requests: 0, seenMs: 0 }));
  for (const { at, seenMs, requests } of counted) {
    const hour = hours[Math.floor(minuteOfWeek(at, zone) / 60) % 24];
    if (hour === undefined) continue;
    hour.requests += requests;
    hour.seenMs += seenMs;
  }
  return {
    requestsByHour: hours.map(({ requests, seenMs }) => (seenMs > 0 ? (requests * HOUR) / seenMs : null)),
    seenMs: hours.reduce((sum, { seenMs }) => sum + seenMs, 0),
  };
}

export type Quietest =
  | { readonly known: true; readonly spans: readonly WeeklySpan[]; readonly text: string }
  | { readonly known: false; readonly sentence: string };

/**
 * The `hours` in a row, the same every day, with the fewest requests; of equal ones those that begin first after
 * midnight. Not known with less than a day seen, or while any hour of the day was never seen.
 */
export function quietestSpans(profile: TrafficProfile | undefined, hours: number): Quietest {
  const unknown = (why: string): Quietest => ({ known: false, sentence: `The quietest hours are not known: ${why}.` });
  if (profile === undefined || profile.seenMs === 0) return unknown("no traffic has been seen yet");
  if (profile.seenMs < DAY) return unknown(`only ${formatDuration(profile.seenMs)} of a day of traffic have been seen`);
  const seen = profile.requestsByHour.filter((requests) => requests !== null);
  if (profile.requestsByHour.length !== 24 || seen.length !== 24) {
    return unknown(`${seen.length} of the day's 24 hours have been seen`);
  }
  const length = Math.min(24, Math.max(1, Math.round(hours)));
  const from = quietestStart(seen, length);
  const to = (from + length) % 24;
  const spans = Array.from({ length: 7 }, (_, day) => ({
    fromMinute: (day * 24 + from) * 60,
    toMinute: (((day + (from + length > 24 ? 1 : 0)) % 7) * 24 + (to === 0 ? 24 : to)) * 60,
  }));
  return { known: true, spans, text: `${clockTime(from * 60)}-${clockTime(to * 60)}` };
}

function quietestStart(requests: readonly number[], length: number): number {
  const sums = requests.map((_, from) => {
    let sum = 0;
    for (let hour = from; hour < from + length; hour += 1) sum += requests[hour % 24] ?? 0;
    return sum;
  });
  return sums.indexOf(Math.min(...sums));
}
