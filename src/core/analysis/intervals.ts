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

/**
 * How much the mean of `b` is above that of `a`, as a part of `a`'s, with an interval that holds at every look at once: a normal
 * mixture confidence sequence (Waudby-Smith et al. 2021, as GrowthBook uses it). `tuning`: the number of samples around which it
 * is narrowest. null: too few samples, or a mean of 0 to compare with.
 */
export function relativeLift(a: Moments, b: Moments, { alpha = 0.05, tuning = 5_000 } = {}): Estimate | null {
  if (a.n < 2 || b.n < 2 || a.sum === 0) return null;
  const meanA = a.sum / a.n;
  const meanB = b.sum / b.n;
  const variance =
    varianceOf(b) / (b.n * meanA * meanA) + (varianceOf(a) * meanB * meanB) / (a.n * meanA * meanA * meanA * meanA);
  const n = a.n + b.n;
  const rho = (-2 * Math.log(alpha) + Math.log(-2 * Math.log(alpha) + 1)) / tuning;
  const spread = n * rho + 1;
  const half = Math.sqrt(variance * n) * Math.sqrt((2 * spread * Math.log(Math.sqrt(spread) / alpha)) / (n * n * rho));
  const value = meanB / meanA - 1;
  return { value, low: value - half, high: value + half };
}

function varianceOf({ n, sum, sumOfSquares }: Moments): number {
  return Math.max(0, (sumOfSquares - (sum * sum) / n) / (n - 1));
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
