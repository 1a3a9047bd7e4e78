/**
 * One second of two versions: `a` requests of the candidate and `b` of stable, `events` bad ones among all of them. With the
 * events given and no difference between the two, how many of them fall on the candidate is hypergeometric; with an odds
 * ratio of r it is Fisher's noncentral hypergeometric, with weights Hyp(j)·r^j.
 */
export interface Stratum {
  /** Requests of the candidate. */
  readonly a: number;
  /** Requests of stable. */
  readonly b: number;
  /** Bad ones among all a + b. */
  readonly events: number;
}

/** What falls short of the sum by less than this adds nothing to it. */
const NEGLIGIBLE = 1e-18;
const NEGLIGIBLE_STEP = 1e-13;

/**
 * ln Σ_j Hyp(j; a, b, events)·r^j, the noncentral normaliser, exact to rounding. 0 for r = 1, and where there is nothing to tell
 * apart. The sum runs outwards from its largest term, and in steps where there are many, so that a second of a million events costs
 * some dozens of terms.
 */
export function logNormaliser(stratum: Stratum, r: number): number {
  return logNormalisers(stratum, [r])[0] ?? 0;
}

/** The same for several ratios at once, which share the half of the work that does not depend on them. */
export function logNormalisers(stratum: Stratum, ratios: readonly number[]): readonly number[] {
  const { a, b, events } = stratum;
  if (events === 0 || a === 0) return ratios.map(() => 0);
  if (b === 0) return ratios.map((r) => events * Math.log(r));
  if (events === 1) return ratios.map((r) => Math.log1p((a / (a + b)) * (r - 1)));
  const low = Math.max(0, events - b);
  const high = Math.min(events, a);
  if (low === high) return ratios.map((r) => low * Math.log(r));
  const plain = sumAround(stratum, 1, low, high);
  const ofPlain = plain.logSum + logWeight(stratum, plain.peak);
  return ratios.map((r) => {
    if (r === 1) return 0;
    const tilted = sumAround(stratum, r, low, high);
    return tilted.logSum + logWeight(stratum, tilted.peak) - ofPlain + tilted.peak * Math.log(r);
  });
}

/**
 * What `logNormaliser` is at most (Hoeffding: sampling without replacement varies less than with). An e-value that divides by
 * more stays valid, so this will do for a null hypothesis of odds ratio ≤ 1; it is close while events are rare.
 */
export function logNormaliserBound({ a, b, events }: Stratum, r: number): number {
  const all = a + b;
  if (events === 0 || a === 0) return 0;
  return Math.min(events * Math.log1p((a / all) * (r - 1)), a * Math.log1p((events / all) * (r - 1)));
}

/** The chances of each number of events on the candidate, from `low` = max(0, events − b) on. */
export function noncentralProbabilities(stratum: Stratum, r: number): readonly number[] {
  const { a, b, events } = stratum;
  const low = Math.max(0, events - b);
  const high = Math.min(events, a);
  const logs = Array.from({ length: high - low + 1 }, (_, step) => {
    const j = low + step;
    return logWeight(stratum, j) + j * Math.log(r);
  });
  const top = Math.max(...logs);
  const sum = logs.reduce((all, each) => all + Math.exp(each - top), 0);
  return logs.map((each) => Math.exp(each - top) / sum);
}

interface Sum {
  /** Where the largest weight is. */
  readonly peak: number;
  /** ln of the sum of the weights, divided by that one. */
  readonly logSum: number;
}

/** From so many standard deviations of weights on, steps are taken instead of all terms. */
const LARGE = 16;

function sumAround(stratum: Stratum, r: number, low: number, high: number): Sum {
  const peak = peakOf(stratum, r, low, high);
  const deviation = deviationAt(stratum, peak);
  return deviation < LARGE
    ? sumOfAll(stratum, r, { peak, low, high })
    : sumInSteps(stratum, r, { peak, low, high }, Math.floor(0.85 * deviation));
}

interface Range {
  readonly peak: number;
  readonly low: number;
  readonly high: number;
}

function sumOfAll({ a, b, events }: Stratum, r: number, { peak, low, high }: Range): Sum {
  const ratio = (j: number): number => (r * (a - j) * (events - j)) / ((j + 1) * (b - events + j + 1));
  let sum = 1;
  for (let j = peak, term = 1; j < high; j += 1) {
    term *= ratio(j);
    sum += term;
    if (term < NEGLIGIBLE * sum) break;
  }
  for (let j = peak - 1, term = 1; j >= low; j -= 1) {
    term /= ratio(j);
    sum += term;
    if (term < NEGLIGIBLE * sum) break;
  }
  return { peak, logSum: Math.log(sum) };
}

/**
 * Every `step`-th term, times `step`. The number of events on the candidate is a sum of independent ones (its polynomial has real
 * roots alone: Vatutin, Mikhailov 1982), so at the frequency t its characteristic function is at most exp(−2σ²·sin²(t/2)), and what
 * steps of 0.85 σ miss is twice exp(−2π²/0.72) = 1e-12 of the sum: less than the rounding of ln n!.
 */
function sumInSteps(stratum: Stratum, r: number, { peak, low, high }: Range, step: number): Sum {
  const { a, b, events } = stratum;
  const logR = Math.log(r);
  // What a term is divided by: the rest of the two binomial coefficients is the same in all.
  const divisor = (j: number): number =>
    logFactorial(j) + logFactorial(a - j) + logFactorial(events - j) + logFactorial(b - events + j);
  const atPeak = divisor(peak);
  const term = (j: number): number => Math.exp(atPeak - divisor(j) + (j - peak) * logR);
  let sum = 1;
  for (let j = peak + step; j <= high; j += step) {
    const more = term(j);
    sum += more;
    if (more < NEGLIGIBLE_STEP * sum) break;
  }
  for (let j = peak - step; j >= low; j -= step) {
    const more = term(j);
    sum += more;
    if (more < NEGLIGIBLE_STEP * sum) break;
  }
  return { peak, logSum: Math.log(sum * step) };
}

/** The standard deviation of the normal distribution that the weights look like around j. */
function deviationAt({ a, b, events }: Stratum, j: number): number {
  return 1 / Math.sqrt(1 / (a - j + 1) + 1 / (events - j + 1) + 1 / (j + 1) + 1 / (b - events + j + 1));
}

/** The j of the largest weight: the root of ratio(j) = 1, rounded into the range. */
function peakOf({ a, b, events }: Stratum, r: number, low: number, high: number): number {
  // r·(a − j)(e − j) = (j + 1)(b − e + j + 1), a quadratic in j.
  const square = r - 1;
  const linear = -(r * (a + events) + b - events + 2);
  const constant = r * a * events - (b - events + 1);
  const root =
    Math.abs(square) < 1e-12
      ? -constant / linear
      : (2 * constant) / (-linear + Math.sqrt(Math.max(0, linear * linear - 4 * square * constant)));
  return Math.max(low, Math.min(high, Math.ceil(root)));
}

/** ln of C(a, j)·C(b, events − j). */
function logWeight({ a, b, events }: Stratum, j: number): number {
  return logChoose(a, j) + logChoose(b, events - j);
}

function logChoose(n: number, k: number): number {
  return logFactorial(n) - logFactorial(k) - logFactorial(n - k);
}

const TABLE = logFactorials(1_024);

function logFactorials(count: number): Float64Array {
  const table = new Float64Array(count);
  for (let n = 2; n < count; n += 1) table[n] = (table[n - 1] ?? 0) + Math.log(n);
  return table;
}

const HALF_LOG_2PI = 0.5 * Math.log(2 * Math.PI);

/** ln n!, by Stirling's series beyond the table: off by less than 1e-13. */
function logFactorial(n: number): number {
  if (n < TABLE.length) return TABLE[n] as number;
  const inverse = 1 / n;
  const square = inverse * inverse;
  return (n + 0.5) * Math.log(n) - n + HALF_LOG_2PI + ((1 - (1 / 30 - square / 105) * square) * inverse) / 12;
}
