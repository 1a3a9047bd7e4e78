import type { SecondRow } from "../core/observation.ts";
import type { HourOfTraffic } from "../core/time/quietest.ts";
import { type Duration, HOUR, type Instant, MINUTE, SECOND } from "../core/time/time.ts";

/** What a data plane still knows when it is asked. */
const KEPT_MS: Duration = 10 * MINUTE;
/** A week says how busy the hours of a day are. */
const MOST_HOURS = 7 * 24;

/** How busy the hours were, as far as somebody watched. */
export interface TrafficHours {
  /** Rows that were read at `now`, of a plane that began at `startedAt`; all that it counted since the last time. */
  count(rows: readonly SecondRow[], now: Instant, startedAt: Instant): void;
  seen(): readonly HourOfTraffic[];
}

/**
 * A second without a request has no row, and has been watched all the same: an hour in which nobody came is the
 * quietest of all, not one of which nothing is known.
 */
export function trafficHours(): TrafficHours {
  const hours = new Map<Instant, { requests: number; seenMs: Duration }>();
  let watchedUntil = Number.NEGATIVE_INFINITY;

  const hourAt = (at: Instant): { requests: number; seenMs: Duration } => {
    const begins = Math.floor(at / HOUR) * HOUR;
    const hour = hours.get(begins) ?? { requests: 0, seenMs: 0 };
    hours.set(begins, hour);
    return hour;
  };

  return {
    count: (rows, now, startedAt) => {
      for (const { second, requests } of rows) hourAt(second * SECOND).requests += requests;
      let at = Math.max(watchedUntil, startedAt, now - KEPT_MS);
      // Nothing where the clock was put back: that time has been counted.
      while (at < now) {
        const end = Math.min(now, (Math.floor(at / HOUR) + 1) * HOUR);
        hourAt(at).seenMs += end - at;
        at = end;
      }
      watchedUntil = Math.max(watchedUntil, now);
      for (const begins of hours.keys()) if (hours.size > MOST_HOURS) hours.delete(begins);
    },
    seen: () => [...hours].map(([at, { requests, seenMs }]) => ({ at, requests, seenMs })),
  };
}
