import type { SecondRow } from "../../observation.ts";
import { QUANTILES } from "../../plan/guard.ts";
import { joinedRows } from "../joined-rows.ts";
import type { CountedSecond } from "./counted-second.ts";
import { type Buckets, bucketOf, countedAbove } from "../histogram.ts";
import type { SlowLimit } from "./slow-limit.ts";

/** Both versions in one second that is over. */
export interface SecondOfBoth {
  readonly second: number;
  readonly candidate: SecondRow | null;
  readonly stable: SecondRow | null;
}

/** The seconds from `from` to `to` in which the candidate or stable was seen, without those in which a share changed. */
export function secondsOfBoth(
  rows: readonly SecondRow[],
  { candidate, stable }: { readonly candidate: string; readonly stable: string | null },
  from: number,
  to: number,
): readonly SecondOfBoth[] {
  const seconds = new Map<number, { candidate: SecondRow | null; stable: SecondRow | null }>();
  for (const row of rows) {
    if (row.second < from || row.second > to || row.mixed) continue;
    const side = row.version === candidate ? "candidate" : row.version === stable ? "stable" : null;
    if (side === null) continue;
    const both = seconds.get(row.second) ?? { candidate: null, stable: null };
    // Two planes' clocks, or one that was put back, may give a second twice.
    both[side] = both[side] === null ? row : joinedRows(both[side], row);
    seconds.set(row.second, both);
  }
  return [...seconds].sort(([a], [b]) => a - b).map(([second, both]) => ({ second, ...both }));
}

/** How many there were and how many of them were bad: raw, every request counts. */
export interface Trials {
  readonly n: number;
  readonly bad: number;
}

const NONE: Trials = { n: 0, bad: 0 };

/** Of a rate: failed requests or WebSockets. Of a latency: answers slower than `limitMs`. */
export function trialsOf(metric: string, row: SecondRow | null, limitMs: number | null): Trials {
  if (row === null) return NONE;
  if (metric === "websockets") {
    const { opened, failed } = row.webSockets;
    return { n: opened + failed, bad: failed };
  }
  if (QUANTILES[metric] === undefined) return { n: row.requests, bad: row.status.server + row.status.failed };
  return limitMs === null ? NONE : slower(row.latency, limitMs);
}

/** What a comparison counts. Where the data plane tells visitors apart it has counted the bad of each but once in a while. */
export function countedOf(
  metric: string,
  both: SecondOfBoth,
  { slow: limit, counter }: { readonly slow: SlowLimit | null; readonly counter: string | null },
): CountedSecond {
  const ours = counter === null ? undefined : both.candidate?.counted?.[counter];
  const theirs = counter === null ? undefined : both.stable?.counted?.[counter];
  // A plane that counts visitors does so on both sides: one alone would be compared with requests.
  if (ours !== undefined || theirs !== undefined)
    return {
      n: ours?.requests ?? 0,
      bad: ours?.bad ?? 0,
      nStable: theirs?.requests ?? 0,
      badStable: theirs?.bad ?? 0,
    };
  return requestsOf(metric, both, limit);
}

function requestsOf(metric: string, both: SecondOfBoth, limit: SlowLimit | null): CountedSecond {
  const mine = trialsOf(metric, both.candidate, limit === null ? null : limit.candidateMs);
  const theirs = trialsOf(metric, both.stable, limit === null ? null : limit.stableMs);
  return { n: mine.n, bad: mine.bad, nStable: theirs.n, badStable: theirs.bad };
}

/** Answers in buckets above that of the limit. */
function slower(latency: Buckets, limitMs: number): Trials {
  const { all, above } = countedAbove(latency, bucketOf(limitMs));
  return { n: all, bad: above };
}
