import type { SecondRow } from "../../observation.ts";
import { type Duration, SECOND } from "../../time/time.ts";
import { type Buckets, type DenseBuckets, NO_COUNTS, summed } from "../histogram.ts";
import type { Look } from "../look.ts";

/** One version's figures over a span of seconds. */
export interface WindowSum {
  readonly requests: number;
  /** 5xx and what never got an answer. */
  readonly bad: number;
  readonly latency: DenseBuckets;
  readonly webSockets: { readonly opened: number; readonly failed: number };
}

/** Nobody came. */
export const NOTHING_SUMMED: WindowSum = {
  requests: 0,
  bad: 0,
  latency: NO_COUNTS,
  webSockets: { opened: 0, failed: 0 },
};

/** Sums the rows of a version with `from` ≤ second ≤ `to`, on top of `before`. Seconds in which a share changed are left out. */
export function sumWindow(
  rows: readonly SecondRow[],
  version: string,
  from: number,
  to: number,
  before: WindowSum = NOTHING_SUMMED,
): WindowSum {
  let { requests, bad } = before;
  let { opened, failed } = before.webSockets;
  const histograms: Buckets[] = [];
  for (const row of rows) {
    if (row.version !== version || row.second < from || row.second > to || row.mixed) continue;
    requests += row.requests;
    bad += row.status.server + row.status.failed;
    opened += row.webSockets.opened;
    failed += row.webSockets.failed;
    histograms.push(row.latency);
  }
  if (histograms.length === 0) return before;
  return { requests, bad, latency: summed(histograms, before.latency), webSockets: { opened, failed } };
}

/** Both versions over one span of seconds. */
export interface Seen {
  readonly candidate: WindowSum;
  /** null: there is no stable version. */
  readonly stable: WindowSum | null;
  readonly windowMs: Duration;
}

/** What was seen in the newest milliseconds of a look's step. */
export type Windows = (windowMs: Duration) => Seen;

/** Adds up each span but once, however many guards ask for it. */
export function windowsOf(look: Look): Windows {
  const known = new Map<number, Seen>();
  return (windowMs) => {
    const from = Math.max(look.fromSecond, look.toSecond - Math.ceil(windowMs / SECOND) + 1);
    const seen = known.get(from) ?? {
      candidate: sumWindow(look.rows, look.candidate, from, look.toSecond),
      stable: look.stable === null ? null : sumWindow(look.rows, look.stable, from, look.toSecond),
      windowMs: Math.max(0, look.toSecond - from + 1) * SECOND,
    };
    known.set(from, seen);
    return seen;
  };
}
