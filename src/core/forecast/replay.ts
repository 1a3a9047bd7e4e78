import { compare, type Comparison, type CountedSecond, evidenceOf, NO_COMPARISON } from "../analysis/comparison.ts";
import type { Buckets } from "../analysis/histogram.ts";
import { NO_OPEN_STRATA, together } from "../analysis/strata.ts";
import { countedOf, type RecordedSecond, slowLimits, type SlowLimits } from "./recorded-second.ts";
import type { ForecastGuard } from "./traffic-model.ts";

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

export interface ReplayedGuard {
  readonly guard: ForecastGuard;
  /** Up to the last second that was looked at. */
  readonly counted: CountedSecond;
  /** Above which a request counted as slow at last, in milliseconds; null: of errors, or not known. */
  readonly limitMs: number | null;
  readonly logEvidence: number;
}

export interface Whole {
  readonly requests: number;
  readonly bad: number;
}

const LONG_GAP_SECONDS = 60;
const LIMITS_OF_SECONDS = 60;
const LIMITS_EVERY_SECONDS = 10;

/** `seconds` in order of time. null: the candidate or stable is not in it. */
export function replayed(seconds: readonly RecordedSecond[], options: ReplayOptions): Replayed | null {
  const begin = seconds.findIndex(({ candidate, isMixed }) => candidate !== null && !isMixed);
  const first = seconds[begin];
  if (first === undefined || seconds.every(({ stable }) => stable === null)) return null;
  const bound = Math.log(1 / options.comparison.alpha);
  const judge = createReplay(options);
  const before = seconds.slice(0, begin).filter(({ second }) => second >= first.second - LIMITS_OF_SECONDS);
  for (const one of before) judge.know(one);
  const gaps: { from: number; seconds: number }[] = [];
  let watched = 0;
  let last = first.second - 1;
  let decidedBy: ForecastGuard | null = null;
  for (const one of seconds.slice(begin)) {
    const missing = one.second - last - 1;
    if (missing > LONG_GAP_SECONDS) {
      gaps.push({ from: last + 1, seconds: missing });
      judge.beginAnew();
    } else for (let second = 0; second < missing; second += 1) judge.pass();
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
function createReplay({ comparison, latencyTolerance, tempering }: ReplayOptions) {
  const temperings = Object.fromEntries(comparison.guards.map(({ id }) => [id, tempering]));
  const sums = new Map<string, CountedSecond>();
  let state = NO_COMPARISON;
  let open = NO_OPEN_STRATA;
  let minute: readonly { readonly second: number; readonly latency: Buckets }[] = [];
  let limits: SlowLimits = {};
  let renewedAt = Number.NEGATIVE_INFINITY;

  const know = ({ second, stable }: RecordedSecond): void => {
    minute = minute.filter((one) => one.second > second - LIMITS_OF_SECONDS);
    if (stable !== null) minute = [...minute, { second, latency: stable.latency }];
  };
  const advance = (counted: Readonly<Record<string, CountedSecond>>): void => {
    const strata = together(open, counted);
    open = strata.open;
    state = compare(state, comparison, strata.closed, temperings);
  };
  return {
    know,
    pass: () => advance({}),
    /** Nobody knows whether the share is what it was. */
    beginAnew: () => {
      open = NO_OPEN_STRATA;
    },
    look: (one: RecordedSecond): void => {
      if (one.isMixed) {
        // What waits belongs to the share before.
        open = NO_OPEN_STRATA;
        advance({});
        return;
      }
      if (one.second - renewedAt >= LIMITS_EVERY_SECONDS) {
        limits = slowLimits(
          minute.filter(({ second }) => second >= one.second - LIMITS_OF_SECONDS).map(({ latency }) => latency),
        );
        renewedAt = one.second;
      }
      const counted = countedOf(one, limits, latencyTolerance);
      for (const [id, second] of Object.entries(counted)) sums.set(id, sumOf(sums.get(id), second));
      advance(counted);
      know(one);
    },
    evidence: () => evidenceOf(state, comparison),
    soFar: (): Pick<Replayed, "guards" | "logTotal"> => {
      const { logTotal, logOf } = evidenceOf(state, comparison);
      const guards = comparison.guards.map(({ id }): ReplayedGuard => ({
        guard: id as ForecastGuard,
        counted: sums.get(id) ?? { n: 0, bad: 0, nStable: 0, badStable: 0 },
        limitMs: id === "errors" ? null : (limits[id as keyof SlowLimits] ?? null),
        logEvidence: logOf[id] ?? 0,
      }));
      return { guards, logTotal };
    },
  };
}

function sumOf(before: CountedSecond | undefined, second: CountedSecond): CountedSecond {
  if (before === undefined) return second;
  return {
    n: before.n + second.n,
    bad: before.bad + second.bad,
    nStable: before.nStable + second.nStable,
    badStable: before.badStable + second.badStable,
  };
}

function wholeOf(seconds: readonly RecordedSecond[]): Replayed["whole"] {
  const sum = (side: "candidate" | "stable"): Whole => ({
    requests: seconds.reduce((all, one) => all + (one[side]?.requests ?? 0), 0),
    bad: seconds.reduce((all, one) => all + (one[side]?.bad ?? 0), 0),
  });
  return { candidate: sum("candidate"), stable: sum("stable"), seconds: secondsIn(seconds) };
}

/** From the first to the last, without what is missing for longer than a minute. */
function secondsIn(seconds: readonly RecordedSecond[]): number {
  return seconds.reduce((all, { second }, index) => {
    const missing = second - (seconds[index - 1]?.second ?? second - 1) - 1;
    return all + 1 + (missing > LONG_GAP_SECONDS ? 0 : missing);
  }, 0);
}
