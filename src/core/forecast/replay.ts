import { evidenceOf } from "../analysis/evidence/comparison.ts";
import { countedOf, type SecondOfBoth, secondsOfBoth } from "../analysis/evidence/seconds.ts";
import type { SecondRow } from "../observation.ts";
import {
  begunAnew,
  type Decided,
  known,
  lookedAt,
  mostTelling,
  NOTHING_REPLAYED,
  passedBy,
  type ReplayedGuard,
  type ReplayOptions,
  soFar,
} from "./replayed-comparison.ts";
import type { ForecastGuard } from "./traffic-model.ts";

/** What the comparison would have made of recorded traffic. */
export interface Replayed {
  /** Unix seconds: the first of the candidate, and the last that was looked at: that of the decision, else the last of all. */
  readonly from: number;
  readonly to: number;
  /** Seconds in between, without times of which nothing is recorded. */
  readonly watchedSeconds: number;
  /** Times of more than a minute of which nothing is recorded. They count for nothing. */
  readonly gaps: readonly { readonly from: number; readonly seconds: number }[];
  readonly guards: readonly ReplayedGuard[];
  /** ln of the evidence of all guards: acts at ln(1/α). */
  readonly logTotal: number;
  /** By what it would have rolled back; null: it would not. */
  readonly decided: Decided | null;
  /** Every request of both up to `to`, whoever it is of and however often they failed. */
  readonly requests: Requests;
  /** Both versions from `from` to the end of the recording, whatever was decided. */
  readonly whole: Requests & { readonly seconds: number };
}

interface Requests {
  readonly candidate: Whole;
  readonly stable: Whole;
}

/** All requests of one version, and how many of them failed. */
export interface Whole {
  readonly requests: number;
  readonly bad: number;
}

const LONG_GAP_SECONDS = 60;

/** The versions by their names in the recording. */
export interface RecordedVersions {
  readonly candidate: string;
  readonly stable: string;
}

/** Rows in any order. null: there is no second in which the candidate could be compared with stable. */
export function replayed(
  rows: readonly SecondRow[],
  versions: RecordedVersions,
  options: ReplayOptions,
): Replayed | null {
  const seconds = secondsOfBoth(rows, versions, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  const begin = seconds.findIndex(({ candidate }) => candidate !== null);
  const first = seconds[begin];
  if (first === undefined || seconds.every(({ stable }) => stable === null)) return null;
  const mixed = new Set(rows.filter((row) => row.mixed).map(({ second }) => second));
  const bound = Math.log(1 / options.comparison.alpha);
  const how = { ...options, stable: versions.stable };
  let judged = seconds.slice(0, begin).reduce(known, NOTHING_REPLAYED);
  const gaps: { from: number; seconds: number }[] = [];
  let watched = 0;
  let last = first.second - 1;
  let decidedBy: ForecastGuard | null = null;
  for (const one of seconds.slice(begin)) {
    const missing = one.second - last - 1;
    if (missing > LONG_GAP_SECONDS) {
      gaps.push({ from: last + 1, seconds: missing });
      judged = begunAnew(judged);
    }
    for (let back = missing <= LONG_GAP_SECONDS ? missing : 0; back > 0; back -= 1) {
      // What waits belongs to the share before.
      if (mixed.has(one.second - back)) judged = begunAnew(judged);
      judged = passedBy(judged, how);
    }
    watched += 1 + (missing > LONG_GAP_SECONDS ? 0 : missing);
    last = one.second;
    judged = lookedAt(judged, one, how);
    const { logTotal, strongest } = evidenceOf(judged.comparison, options.comparison);
    if (logTotal < bound || strongest === null) continue;
    decidedBy = strongest as ForecastGuard;
    break;
  }
  return {
    from: first.second,
    to: last,
    watchedSeconds: watched,
    gaps,
    ...soFar(judged, options),
    decided: decidedBy === null ? null : { guard: decidedBy, ...mostTelling(judged, decidedBy) },
    requests: wholeOf(seconds.slice(begin).filter(({ second }) => second <= last)),
    whole: wholeOf(seconds.slice(begin)),
  };
}

function wholeOf(seconds: readonly SecondOfBoth[]): Replayed["whole"] {
  const sum = (side: "candidate" | "stable"): Whole => {
    const counts = seconds.map((one) =>
      countedOf(
        "errors",
        { ...one, [side === "candidate" ? "stable" : "candidate"]: null },
        { slow: null, counter: null },
      ),
    );
    return {
      requests: counts.reduce((all, { n, nStable }) => all + n + nStable, 0),
      bad: counts.reduce((all, { bad, badStable }) => all + bad + badStable, 0),
    };
  };
  return { candidate: sum("candidate"), stable: sum("stable"), seconds: secondsIn(seconds) };
}

/** From the first to the last, without what is missing for longer than a minute. */
function secondsIn(seconds: readonly SecondOfBoth[]): number {
  return seconds.reduce((all, { second }, index) => {
    const missing = second - (seconds[index - 1]?.second ?? second - 1) - 1;
    return all + 1 + (missing > LONG_GAP_SECONDS ? 0 : missing);
  }, 0);
}
