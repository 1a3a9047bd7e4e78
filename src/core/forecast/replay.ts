import { LATENCIES } from "../plan/guard.ts";
import { counterOf } from "../traffic/counting.ts";
import { compare, type Comparison, evidenceOf, NO_COMPARISON } from "../analysis/comparison.ts";
import { added, type CountedSecond, NOTHING_COUNTED } from "../analysis/counted-second.ts";
import { countedOf, type SecondOfBoth, secondsOfBoth } from "../analysis/seconds.ts";
import { RENEWED_EVERY_SECONDS, slowLimit, type SlowLimit, STABLE_WINDOW_SECONDS } from "../analysis/slow-limit.ts";
import { NO_OPEN_STRATA, together } from "../analysis/strata.ts";
import type { SecondRow } from "../observation.ts";
import type { ForecastGuard } from "./traffic-model.ts";

/** How the recording is judged. */
export interface ReplayOptions {
  readonly comparison: Comparison;
  /** By how much longer the candidate's answers may take. */
  readonly latencyTolerance: number;
  readonly tempering: number;
}

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
  /** The guard by which it would have rolled back; null: it would not. */
  readonly decidedBy: ForecastGuard | null;
  /** Both versions from `from` to the end of the recording, whatever was decided. */
  readonly whole: { readonly candidate: Whole; readonly stable: Whole; readonly seconds: number };
}

/** What one guard would have made of it. */
export interface ReplayedGuard {
  readonly guard: ForecastGuard;
  /** Up to the last second that was looked at. */
  readonly counted: CountedSecond;
  /** Above which a request counted as slow at last, the candidate's a little later than stable's; null: of errors, or not known. */
  readonly limit: SlowLimit | null;
  readonly logEvidence: number;
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
  const judge = createReplay(versions.stable, options);
  for (const one of seconds.slice(0, begin)) judge.know(one);
  const gaps: { from: number; seconds: number }[] = [];
  let watched = 0;
  let last = first.second - 1;
  let decidedBy: ForecastGuard | null = null;
  for (const one of seconds.slice(begin)) {
    const missing = one.second - last - 1;
    if (missing > LONG_GAP_SECONDS) {
      gaps.push({ from: last + 1, seconds: missing });
      judge.beginAnew();
    }
    for (let back = missing <= LONG_GAP_SECONDS ? missing : 0; back > 0; back -= 1) {
      // What waits belongs to the share before.
      if (mixed.has(one.second - back)) judge.beginAnew();
      judge.pass();
    }
    watched += 1 + (missing > LONG_GAP_SECONDS ? 0 : missing);
    last = one.second;
    judge.look(one);
    const { logTotal, strongest } = judge.evidence();
    if (logTotal < bound || strongest === null) continue;
    decidedBy = strongest as ForecastGuard;
    break;
  }
  return {
    from: first.second,
    to: last,
    watchedSeconds: watched,
    gaps,
    ...judge.soFar(),
    decidedBy,
    whole: wholeOf(seconds.slice(begin)),
  };
}

/** The comparison, fed second by second. */
function createReplay(stable: string, { comparison, latencyTolerance, tempering }: ReplayOptions) {
  const temperings = Object.fromEntries(comparison.guards.map(({ id }) => [id, tempering]));
  const sums = new Map<string, CountedSecond>();
  const limits = new Map<string, SlowLimit | null>();
  let state = NO_COMPARISON;
  let open = NO_OPEN_STRATA;
  /** Of stable, of the last minute. */
  let minute: readonly SecondRow[] = [];
  let renewedAt = Number.NEGATIVE_INFINITY;

  const know = (one: SecondOfBoth): void => {
    const recent = minute.filter(({ second }) => second > one.second - STABLE_WINDOW_SECONDS);
    minute = one.stable === null ? recent : [...recent, one.stable];
  };
  const advance = (counted: Readonly<Record<string, CountedSecond>>): void => {
    const strata = together(open, counted);
    open = strata.open;
    state = compare(state, comparison, strata.closed, temperings);
  };
  const renewLimits = (second: number): void => {
    if (second - renewedAt < RENEWED_EVERY_SECONDS) return;
    renewedAt = second;
    for (const [id, quantile] of Object.entries(LATENCIES)) {
      const found = slowLimit(minute, stable, second, { quantile, tolerance: latencyTolerance });
      if (found !== null) limits.set(id, found);
    }
  };
  return {
    know,
    pass: () => advance({}),
    /** Nobody knows whether the share is what it was. */
    beginAnew: () => {
      open = NO_OPEN_STRATA;
    },
    look: (one: SecondOfBoth): void => {
      renewLimits(one.second);
      const counted: Record<string, CountedSecond> = {};
      for (const { id } of comparison.guards) {
        const second = countedOf(id, one, {
          slow: limits.get(id) ?? null,
          counter: counterOf({ metric: id }, latencyTolerance),
        });
        counted[id] = second;
        sums.set(id, added(sums.get(id) ?? NOTHING_COUNTED, second));
      }
      advance(counted);
      know(one);
    },
    evidence: () => evidenceOf(state, comparison),
    soFar: (): Pick<Replayed, "guards" | "logTotal"> => {
      const { logTotal, logOf } = evidenceOf(state, comparison);
      const guards = comparison.guards.map(({ id }): ReplayedGuard => ({
        guard: id as ForecastGuard,
        counted: sums.get(id) ?? NOTHING_COUNTED,
        limit: limits.get(id) ?? null,
        logEvidence: logOf[id] ?? 0,
      }));
      return { guards, logTotal };
    },
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
