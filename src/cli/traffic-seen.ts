import { merge } from "../core/analysis/histogram.ts";
import type { SeenTraffic } from "../core/forecast/catches.ts";
import type { ObservationBatch, SecondRow } from "../core/observation.ts";
import { type Duration, type Instant, SECOND } from "../core/time/time.ts";
import type { Traffic } from "../ports/traffic.ts";

const RATE_WINDOW_MS = 60 * SECOND;

/** What the data plane counted lately. */
export interface TrafficSeen extends SeenTraffic {
  /** Over so many of the last seconds there was traffic to take the mean of: a minute, or less where it has just begun. */
  readonly overMs: Duration;
}

/**
 * Requests a second over the last minute, errors and latencies over all that the data plane keeps, of `version` alone where one is
 * given. null where none answers.
 */
export async function trafficSeen(traffic: Traffic, version: string | null): Promise<TrafficSeen | null> {
  try {
    const plane = await traffic.read();
    if (plane === null) return null;
    const { rows, at } = await everySecond(traffic);
    return seenOf(rows, { at, since: plane.startedAt, version });
  } catch {
    return null;
  }
}

/** Of the rows that a plane keeps, which counts since `since`; `version`: whose errors and latencies are meant, null for all. */
export function seenOf(
  rows: readonly SecondRow[],
  { at, since, version }: { readonly at: Instant; readonly since: Instant; readonly version: string | null },
): TrafficSeen {
  // Traffic that began a moment ago is not the less for the time before it.
  const first = Math.min(at, ...rows.filter(({ requests }) => requests > 0).map(({ second }) => second * SECOND));
  const overMs = Math.min(RATE_WINDOW_MS, Math.max(SECOND, at - Math.max(since, first)));
  const recent = rows.filter(({ second }) => second * SECOND >= at - overMs);
  const rps = recent.reduce((sum, { requests }) => sum + requests, 0) / (overMs / SECOND);
  return { rps, overMs, ...judgedBy(rows.filter((row) => version === null || row.version === version)) };
}

function judgedBy(rows: readonly SecondRow[]): Omit<SeenTraffic, "rps"> {
  const requests = rows.reduce((sum, row) => sum + row.requests, 0);
  const bad = rows.reduce((sum, { status }) => sum + status.server + status.failed, 0);
  // Where nothing has failed yet it is not known that nothing ever does.
  return { errors: (bad + 0.5) / (requests + 1), latency: merge(...rows.map(({ latency }) => latency)) };
}

/** An answer holds a few hundred rows, the oldest first, and a plane keeps ten minutes. */
const MOST_PAGES = 10;

/** All that a data plane keeps. */
export async function everySecond(traffic: Traffic): Promise<Pick<ObservationBatch, "rows" | "at">> {
  const rows: SecondRow[] = [];
  let batch = await traffic.observations(0);
  for (let page = 1; page < MOST_PAGES && batch.rows.length > 0; page += 1) {
    rows.push(...batch.rows);
    batch = await traffic.observations(batch.next);
  }
  return { rows: [...rows, ...batch.rows], at: batch.at };
}
