import { type DaysBefore, type Guard, QUANTILES } from "../../plan/guard.ts";
import { type Instant, SECOND } from "../../time/time.ts";
import { rateAtOdds } from "../statistics/alternatives.ts";
import { merge, quantile } from "../histogram.ts";
import type { Look, Switched } from "../look.ts";
import { upperRate } from "../statistics/rate-bound.ts";
import { trialsOf } from "./seconds.ts";
import { candidateLimitMs } from "./slow-limit.ts";
import { EXCLUDED_RATIO, limitBefore } from "./tested-limits.ts";

/** What stable did at another time, by one metric. */
export interface Past {
  /** From the first of its seconds to the last, in wall time. */
  readonly from: Instant;
  readonly to: Instant;
  readonly n: number;
  /** Of a latency: answers that took longer than `ms`. */
  readonly bad: number;
  /** Of a latency: its quantile. */
  readonly ms?: number;
  /** The same hours so many days before; `n` is 0 where nothing is known of them. Absent: before the switch. */
  readonly days?: DaysBefore;
  /** Of a release's parts of other days the how manieth it is, from 1. */
  readonly nth?: number;
}

/** With fewer requests nobody can say what was usual. */
export const LEAST_PAST = 100;

/** Before the switch stable is looked at for so long, or as long as it is known. */
const BEFORE_SECONDS = 15 * 60;

/** That stable's true rate was above what it is taken for: that often the yardstick itself is wrong. */
const DELTA = 0.01;

/** What stable did before the candidate got all traffic; null: nothing is known of it. */
export function beforeSwitch(
  { metric }: Guard,
  { rows, stable, toSecond }: Look,
  { second, secondZero }: Switched,
): Past | null {
  // No row is as old as that.
  if (stable === null || toSecond - second > BEFORE_SECONDS) return null;
  const mine = rows.filter(
    (row) => row.version === stable && row.second < second && row.second >= second - BEFORE_SECONDS && !row.mixed,
  );
  const seconds = mine.map((row) => row.second);
  const q = QUANTILES[metric];
  const ms = q === undefined ? null : quantile(merge(...mine.map(({ latency }) => latency)), q);
  const all = mine.map((row) => trialsOf(metric, row, ms));
  const n = all.reduce((sum, trials) => sum + trials.n, 0);
  if (n === 0) return null;
  return {
    from: secondZero + Math.min(...seconds) * SECOND,
    to: secondZero + (Math.max(...seconds) + 1) * SECOND,
    n,
    bad: all.reduce((sum, trials) => sum + trials.bad, 0),
    ...(ms === null ? {} : { ms }),
  };
}

/** The rate of bad requests that stable had before a second; null: too few were seen. */
export function rateBefore({ metric }: Guard, { rows, stable }: Look, second: number): number | null {
  if (stable === null) return null;
  const all = rows
    .filter((row) => row.version === stable && row.second < second && row.second >= second - BEFORE_SECONDS)
    .map((row) => trialsOf(metric, row, null));
  const n = all.reduce((sum, trials) => sum + trials.n, 0);
  return n < LEAST_PAST ? null : all.reduce((sum, trials) => sum + trials.bad, 0) / n;
}

/** What a candidate may do that is compared with the past: a rate of bad requests, of a latency those above `limitMs`. */
export interface Tolerated {
  readonly rate: number;
  readonly limitMs: number | null;
}

/** By the upper bound of what was measured, so that few requests of then don't blame the candidate; null: too few. */
export function toleratedBy(past: Past | undefined, factor: number): Tolerated | null {
  if (past === undefined || past.n < LEAST_PAST) return null;
  const rate = boundOf(past);
  return past.ms === undefined
    ? { rate: rateAtOdds(rate, factor), limitMs: null }
    : { rate, limitMs: candidateLimitMs(past.ms, factor) };
}

/** All bounds of a release together are wrong as seldom as the one before the switch, however many there are. */
export function boundOf({ n, bad, nth }: Past): number {
  return upperRate(n, bad, nth === undefined ? DELTA : DELTA / (nth * (nth + 1)));
}

/** What a step must exclude before it passes, where a limit of the guard is held against the past; null: none is, or nothing is known. */
export function excludedBy(guard: Guard, past: Past | undefined): Tolerated | null {
  const before = limitBefore(guard);
  const tolerated = before === null || before.days !== past?.days ? null : toleratedBy(past, before.factor);
  return tolerated === null ? null : { ...tolerated, rate: rateAtOdds(tolerated.rate, EXCLUDED_RATIO) };
}
