import {
  compare,
  type Comparison,
  type ComparisonState,
  evidenceOf,
  NO_COMPARISON,
} from "../analysis/evidence/comparison.ts";
import { added, type CountedSecond, NOTHING_COUNTED } from "../analysis/evidence/counted-second.ts";
import { countedOf, type SecondOfBoth } from "../analysis/evidence/seconds.ts";
import {
  RENEWED_EVERY_SECONDS,
  slowLimit,
  type SlowLimit,
  STABLE_WINDOW_SECONDS,
} from "../analysis/evidence/slow-limit.ts";
import { NO_OPEN_STRATA, type OpenStrata, together } from "../analysis/evidence/strata.ts";
import { excess, TELLING_SPANS_MS } from "../analysis/evidence/telling-figures.ts";
import type { SecondRow } from "../observation.ts";
import { LATENCIES } from "../plan/guard.ts";
import { SECOND } from "../time/time.ts";
import { counterOf } from "../traffic/counting.ts";
import type { ForecastGuard } from "./traffic-model.ts";

/** How the recording is judged. */
export interface ReplayOptions {
  readonly comparison: Comparison;
  /** By how much longer the candidate's answers may take. */
  readonly latencyTolerance: number;
  readonly tempering: number;
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

/** A guard, and in how many of the newest seconds the fault shows best; null: in all that was looked at. */
export interface Decided {
  readonly guard: ForecastGuard;
  readonly counted: CountedSecond;
  readonly seconds: number | null;
}

/** The comparison of a recording after some of its seconds. */
export interface ReplayState {
  readonly comparison: ComparisonState;
  readonly open: OpenStrata;
  /** Of stable, of the last minute. */
  readonly minute: readonly SecondRow[];
  readonly limits: Readonly<Record<string, SlowLimit>>;
  readonly renewedAt: number;
  readonly sums: Counted;
  /** The newest seconds that were looked at, as long as the longest span in which a fault is looked for. */
  readonly newest: readonly { readonly second: number; readonly counted: Counted }[];
}

/** By guard. */
type Counted = Readonly<Record<string, CountedSecond>>;

/** How it is judged, beside which version. */
interface How extends ReplayOptions {
  readonly stable: string;
}

export const NOTHING_REPLAYED: ReplayState = {
  comparison: NO_COMPARISON,
  open: NO_OPEN_STRATA,
  minute: [],
  limits: {},
  renewedAt: Number.NEGATIVE_INFINITY,
  sums: {},
  newest: [],
};

/** A second before the candidate came: from it is known what is slow. */
export function known(state: ReplayState, { second, stable }: SecondOfBoth): ReplayState {
  const recent = state.minute.filter((row) => row.second > second - STABLE_WINDOW_SECONDS);
  return { ...state, minute: stable === null ? recent : [...recent, stable] };
}

/** A second in which nobody came. */
export function passedBy(state: ReplayState, how: How): ReplayState {
  return compared(state, {}, how);
}

/** Nobody knows whether the share is what it was: what waits to be compared is left out. */
export function begunAnew(state: ReplayState): ReplayState {
  return { ...state, open: NO_OPEN_STRATA };
}

/** A second of both. */
export function lookedAt(before: ReplayState, one: SecondOfBoth, how: How): ReplayState {
  const state = withLimits(before, one.second, how);
  const counted: Record<string, CountedSecond> = {};
  const sums: Record<string, CountedSecond> = { ...state.sums };
  for (const { id } of how.comparison.guards) {
    const counter = counterOf({ metric: id }, how.latencyTolerance);
    const second = countedOf(id, one, { slow: state.limits[id] ?? null, counter });
    counted[id] = second;
    sums[id] = added(sums[id] ?? NOTHING_COUNTED, second);
  }
  const newest = [
    ...state.newest.filter(({ second }) => second > one.second - LONGEST_SPAN),
    { second: one.second, counted },
  ];
  return known({ ...compared(state, counted, how), sums, newest }, one);
}

function compared(state: ReplayState, counted: Counted, { comparison, tempering }: How): ReplayState {
  const temperings = Object.fromEntries(comparison.guards.map(({ id }) => [id, tempering]));
  const { open, closed } = together(state.open, counted);
  return { ...state, open, comparison: compare(state.comparison, comparison, closed, temperings) };
}

function withLimits(state: ReplayState, second: number, { stable, latencyTolerance }: How): ReplayState {
  if (second - state.renewedAt < RENEWED_EVERY_SECONDS) return state;
  const found = Object.entries(LATENCIES).flatMap(([id, quantile]) => {
    const limit = slowLimit(state.minute, stable, second, { quantile, tolerance: latencyTolerance });
    return limit === null ? [] : [[id, limit] as const];
  });
  return { ...state, renewedAt: second, limits: { ...state.limits, ...Object.fromEntries(found) } };
}

/** What each guard has made of it, and all together. */
export function soFar(
  state: ReplayState,
  { comparison }: Pick<ReplayOptions, "comparison">,
): { readonly guards: readonly ReplayedGuard[]; readonly logTotal: number } {
  const { logTotal, logOf } = evidenceOf(state.comparison, comparison);
  const guards = comparison.guards.map(({ id }): ReplayedGuard => ({
    guard: id as ForecastGuard,
    counted: state.sums[id] ?? NOTHING_COUNTED,
    limit: state.limits[id] ?? null,
    logEvidence: logOf[id] ?? 0,
  }));
  return { guards, logTotal };
}

const LONGEST_SPAN = Math.max(...TELLING_SPANS_MS) / SECOND;

/** The span in which the candidate is worst: after a trouble of both a fault that began late would be diluted. */
export function mostTelling({ sums, newest }: ReplayState, guard: ForecastGuard): Omit<Decided, "guard"> {
  const upTo = newest.at(-1)?.second ?? 0;
  let best: Omit<Decided, "guard"> = { counted: sums[guard] ?? NOTHING_COUNTED, seconds: null };
  for (const seconds of TELLING_SPANS_MS.map((span) => span / SECOND)) {
    const counted = newest
      .filter(({ second }) => second > upTo - seconds)
      .reduce((sum, one) => added(sum, one.counted[guard] ?? NOTHING_COUNTED), NOTHING_COUNTED);
    // A span longer than all that was looked at is the same again.
    if (counted.n < (sums[guard]?.n ?? 0) && excessOf(counted) > excessOf(best.counted)) best = { counted, seconds };
  }
  return best;
}

function excessOf({ n, bad, nStable, badStable }: CountedSecond): number {
  return n === 0 ? Number.NEGATIVE_INFINITY : excess(bad, n, nStable === 0 ? 0 : badStable / nStable);
}
