import { merge } from "../core/analysis/histogram.ts";
import type { SeenTraffic } from "../core/forecast/catches.ts";
import type { ObservationBatch, SecondRow } from "../core/observation.ts";
import { SECOND } from "../core/time/time.ts";
import type { Traffic } from "../ports/traffic.ts";

const RATE_WINDOW_MS = 60 * SECOND;

/**
 * What the data plane counted lately: requests a second over the last minute, errors and latencies over all that it keeps, of
 * `version` alone where one is given. null where none answers.
 */
export async function trafficSeen(traffic: Traffic, version: string | null): Promise<SeenTraffic | null> {
  try {
    const plane = await traffic.read();
    if (plane === null) return null;
    const { rows, at } = await everySecond(traffic);
    const windowMs = Math.min(RATE_WINDOW_MS, Math.max(SECOND, at - plane.startedAt));
    const recent = rows.filter(({ second }) => second * SECOND >= at - windowMs);
    const rps = recent.reduce((sum, { requests }) => sum + requests, 0) / (windowMs / SECOND);
    return { rps, ...judgedBy(rows.filter((row) => version === null || row.version === version)) };
  } catch {
    return null;
  }
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
