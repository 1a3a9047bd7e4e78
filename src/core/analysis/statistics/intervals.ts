/** An estimate with its interval, in the unit of what was measured. */
interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
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
  const student = Math.sqrt(freedom * Math.expm1(errorsAround(n) ** 2 / freedom));
  return Math.max(LEAST_ALIKE, Math.sqrt(alike)) * student;
}

function sumOfSquares(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}

function around(value: number, half: number): Estimate {
  return { value, low: value - half, high: value + half };
}

/**
 * How many standard errors an interval of `n` values reaches to either side to hold at every look at once: a normal mixture
 * confidence sequence (Waudby-Smith et al. 2021, as GrowthBook uses it), narrowest around `tunedFor` values.
 */
export function errorsAround(n: number, tunedFor: number = TUNED_FOR, alpha: number = ALPHA): number {
  const rho = (-2 * Math.log(alpha) + Math.log(-2 * Math.log(alpha) + 1)) / tunedFor;
  const spread = n * rho + 1;
  return Math.sqrt((2 * spread * Math.log(Math.sqrt(spread) / alpha)) / (n * rho));
}
