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

/**
 * ln Σ_j Hyp(j; a, b, events)·r^j, the noncentral normaliser, exact to rounding. 0 for r = 1, and where there is nothing to tell
 * apart. The sum runs outwards from its largest term, so that a second of a million events costs some thousand terms.
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

/** The sum of the weights, divided by the largest, and where that one is. */
function sumAround(
  { a, b, events }: Stratum,
  r: number,
  low: number,
  high: number,
): { readonly peak: number; readonly logSum: number } {
  const ratio = (j: number): number => (r * (a - j) * (events - j)) / ((j + 1) * (b - events + j + 1));
  const peak = peakOf({ a, b, events }, r, low, high);
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

/** ln n!, by Stirling's series beyond the table: off by less than 1e-13. */
function logFactorial(n: number): number {
  const known = TABLE[n];
  if (known !== undefined) return known;
  const square = n * n;
  return (
    n * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI * n) + (1 - (1 / 30 - 1 / (105 * square)) / square) / (12 * n)
  );
}
