import type { SecondRow } from "../observation.ts";
import { merge } from "./histogram.ts";

/** One version's figures over a span of seconds. */
export interface WindowSum {
  readonly requests: number;
  /** 5xx and what never got an answer. */
  readonly bad: number;
  readonly latency: Readonly<Record<number, number>>;
  readonly webSockets: { readonly opened: number; readonly failed: number };
}

/** Sums the rows of a version with `from` ≤ second ≤ `to`. Seconds in which a share changed are left out. */
export function sumWindow(rows: readonly SecondRow[], version: string, from: number, to: number): WindowSum {
  let requests = 0;
  let bad = 0;
  let opened = 0;
  let failed = 0;
  const histograms: Readonly<Record<number, number>>[] = [];
  for (const row of rows) {
    if (row.version !== version || row.second < from || row.second > to || row.mixed) continue;
    requests += row.requests;
    bad += row.status.server + row.status.failed;
    opened += row.webSockets.opened;
    failed += row.webSockets.failed;
    histograms.push(row.latency);
  }
  return { requests, bad, latency: merge(...histograms), webSockets: { opened, failed } };
}
