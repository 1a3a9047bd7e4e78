import { normalQuantile } from "./normal.ts";

/** An estimate with its interval, in the unit of what was measured. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** What is known of a sample without keeping it. */
export interface Moments {
  readonly n: number;
  readonly sum: number;
  readonly sumOfSquares: number;
}

/** Intervals of blocks are at least so many times as wide as if none was like its neighbour. */
const LEAST_ALIKE = 1.5;
const MOST_ALIKE = 0.98;
/** The number of blocks around which intervals are narrowest. */
const TUNED_FOR = 30;
const ALPHA = 0.01;

/** The mean of blocks, with an interval that holds at every look at once. At least two values. */
export function meanOf(values: readonly number[]): Estimate {
  const n = values.length;
  const value = values.reduce((all, each) => all + each, 0) / n;
  const rest = values.map((each) => each - value);
  const error = Math.sqrt(sumOfSquares(rest) / (n - 1) / n);
  return around(value, error * errorsOf(rest));
}

/** The slope of `values` over `times` by least squares, in units of a value by units of a time, with such an interval. At least three. */
export function growthOf(times: readonly number[], values: readonly number[]): Estimate {
  const n = times.length;
  const middle = times.reduce((sum, time) => sum + time, 0) / n;
  const level = values.reduce((sum, value) => sum + value, 0) / n;
  const spread = times.reduce((sum, time) => sum + (time - middle) ** 2, 0);
  const slope = times.reduce((sum, time, index) => sum + (time - middle) * ((values[index] ?? 0) - level), 0) / spread;
  const rest = times.map((time, index) => (values[index] ?? 0) - level - slope * (time - middle));
  const error = Math.sqrt(sumOfSquares(rest) / (n - 2) / spread);
  return around(slope, error * errorsOf(rest));
}

/**
 * How many standard errors an interval of blocks reaches to either side. Neighbouring blocks are alike, so their number says more than
 * there is: how much more follows from the correlation of each with the next (that of a short series is found too low, by about
 * (1 + 3ρ)/n). And of few blocks the spread is not known well either: Student's quantile for a normal one (Wallace 1959).
 */
function errorsOf(rest: readonly number[]): number {
  const n = rest.length;
  const squares = sumOfSquares(rest);
  const found =
    squares === 0 ? 0 : rest.slice(1).reduce((sum, each, index) => sum + each * (rest[index] ?? 0), 0) / squares;
  const correlation = Math.max(0, Math.min(MOST_ALIKE, found + (1 + 3 * found) / n));
  const alike = (1 + correlation) / (1 - correlation);
  const freedom = Math.max(1, n / alike - 1);
  const student = Math.sqrt(freedom * Math.expm1(errorsAround(n, ALPHA, TUNED_FOR) ** 2 / freedom));
  return Math.max(LEAST_ALIKE, Math.sqrt(alike)) * student;
}

function sumOfSquares(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}

function around(value: number, half: number): Estimate {
  return { value, low: value - half, high: value + half };
}

/**
 * How many standard errors an interval reaches to either side to hold at every look at once: a normal mixture confidence sequence
 * (Waudby-Smith et al. 2021, as GrowthBook uses it). `tuning`: the number of samples around which it is narrowest.
 */
function errorsAround(n: number, alpha: number, tuning: number): number {
  const rho = (-2 * Math.log(alpha) + Math.log(-2 * Math.log(alpha) + 1)) / tuning;
  const spread = n * rho + 1;
  return Math.sqrt((2 * spread * Math.log(Math.sqrt(spread) / alpha)) / (n * rho));
}

/**
 * How much the mean of `b` is above that of `a`, as a part of `a`'s, with an interval that holds at every look at once. null: too few
 * samples, or a mean of 0 to compare with.
 */
export function relativeLift(a: Moments, b: Moments, { alpha = 0.05, tuning = 5_000 } = {}): Estimate | null {
  if (a.n < 2 || b.n < 2 || a.sum === 0) return null;
  const meanA = a.sum / a.n;
  const meanB = b.sum / b.n;
  const variance =
    varianceOf(b) / (b.n * meanA * meanA) + (varianceOf(a) * meanB * meanB) / (a.n * meanA * meanA * meanA * meanA);
  return around(meanB / meanA - 1, Math.sqrt(variance) * errorsAround(a.n + b.n, alpha, tuning));
}

function varianceOf({ n, sum, sumOfSquares: squares }: Moments): number {
  return Math.max(0, (squares - (sum * sum) / n) / (n - 1));
}

/** Above this many values on both sides together the rank sum is taken as normal. */
const EXACT_UP_TO = 100;

/**
 * How much higher `xs` lie than `ys`: Hodges-Lehmann's estimate (the median of all differences) with the interval of the
 * Mann-Whitney test. For a few dozen blocks of a gauge; the number of differences is the product of both. null without values.
 */
export function shiftBetween(xs: readonly number[], ys: readonly number[], confidence = 0.98): Estimate | null {
  if (xs.length === 0 || ys.length === 0) return null;
  const differences = xs.flatMap((x) => ys.map((y) => x - y)).sort((one, other) => one - other);
  const pick = (index: number): number => differences[Math.max(0, Math.min(differences.length - 1, index))] ?? 0;
  const middle = (differences.length - 1) / 2;
  const rank = Math.max(1, rankSumQuantile(xs.length, ys.length, (1 - confidence) / 2));
  return {
    value: (pick(Math.floor(middle)) + pick(Math.ceil(middle))) / 2,
    low: pick(rank - 1),
    high: pick(differences.length - rank),
  };
}

/** The smallest u with P(U ≤ u) ≥ p, U the Mann-Whitney statistic of n and m values. */
function rankSumQuantile(n: number, m: number, p: number): number {
  if (n + m > EXACT_UP_TO) {
    const spread = Math.sqrt((n * m * (n + m + 1)) / 12);
    return Math.max(0, Math.ceil((n * m) / 2 + normalQuantile(p) * spread - 0.5));
  }
  const counts = rankSumCounts(n, m);
  const all = counts.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (const [u, count] of counts.entries()) {
    below += count / all;
    if (below >= p) return u;
  }
  return n * m;
}

/** How many orders of n and m values have U = 0, 1, …, nm: the coefficients of the Gaussian binomial. */
function rankSumCounts(n: number, m: number): readonly number[] {
  const counts = Array.from({ length: n * m + 1 }, (_, u): number => (u === 0 ? 1 : 0));
  for (let part = 1; part <= n; part += 1) {
    const up = m + part;
    for (let u = n * m; u >= up; u -= 1) counts[u] = (counts[u] ?? 0) - (counts[u - up] ?? 0);
    for (let u = part; u <= n * m; u += 1) counts[u] = (counts[u] ?? 0) + (counts[u - part] ?? 0);
  }
  return counts;
}
