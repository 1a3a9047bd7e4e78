import { logAdd } from "../statistics/e-process.ts";

/** How quick the app has been for one visitor. */
export interface VisitorSpeed {
  readonly isCandidate: boolean;
  /** Logarithms of latencies (ms) on stable before the share was given: how many, and their sum. */
  readonly before: { readonly n: number; readonly sum: number };
  /** Since the share was given, on the version that serves them now. */
  readonly now: { readonly n: number; readonly sum: number };
}

/** By how much visitors' own speeds have changed, as one moment shows it. */
export interface VisitorShift {
  /** Visitors with figures, in the candidate and in all. */
  readonly candidates: number;
  readonly visitors: number;
  /** By how much the candidate is slower: 1.3 is 30 %. Weighted by how well each visitor is known. null: nobody there. */
  readonly slower: number | null;
  /** ln of an e-value against "at most `tolerance` times slower", for this one moment. */
  readonly logEvidence: number;
}

/** Slowdowns that are bet on, as differences of logarithms beyond the tolerated one: 5 % to more than twice as slow. */
const SHIFTS: readonly number[] = [0.05, 0.1, 0.2, 0.4, 0.8];
/** A visitor's figure counts for at most this many standard deviations: one sick client is not a slow version. */
const MOST_DEVIATIONS = 3;

/**
 * Is the candidate slower, by how each visitor's own speed changed? Visitors were assigned to versions at random, so if versions
 * make no difference, each visitor's figure would be the same on either side, and the side is a coin that falls on the candidate
 * with the chance of the share. That is exact however much visitors differ, however much each asks for and whatever else goes
 * on at that time, because it supposes nothing of latencies: only that the assignment was drawn.
 *
 * This is what one moment says. Moments must be chosen beforehand (10, 15, 22, … seconds after the share was given): `shiftEvidence` puts
 * them together. `share`: the chance of a visitor to be the candidate's, 0 … 1. `tolerance`: 1.15 is 15 % slower.
 */
export function visitorShift(speeds: Iterable<VisitorSpeed>, share: number, tolerance: number): VisitorShift {
  const known = [...speeds].filter(({ now }) => now.n > 0);
  const candidates = known.filter(({ isCandidate }) => isCandidate).length;
  const spread = spreadOf(known);
  if (spread === null || candidates === 0 || share <= 0 || share >= 1)
    return { candidates, visitors: known.length, slower: null, logEvidence: 0 };
  const tolerated = Math.log(tolerance);
  const logs = SHIFTS.map(() => 0);
  let [mine, mineWeight, others, othersWeight] = [0, 0, 0, 0];
  for (const speed of known) {
    const { isCandidate } = speed;
    const { change, variance } = changeOf(speed, spread);
    if (isCandidate) [mine, mineWeight] = [mine + change / variance, mineWeight + 1 / variance];
    else [others, othersWeight] = [others + change / variance, othersWeight + 1 / variance];
    const most = MOST_DEVIATIONS * Math.sqrt(variance);
    const judged = Math.max(-most, Math.min(most, change - (isCandidate ? tolerated : 0)));
    const score = judged / variance;
    for (const [index, shift] of SHIFTS.entries())
      (logs[index] as number) += (isCandidate ? shift * score : 0) - logOfMean(share, shift * score);
  }
  return {
    candidates,
    visitors: known.length,
    slower: Math.exp(mine / mineWeight - (othersWeight === 0 ? 0 : others / othersWeight)),
    logEvidence: logs.reduce(logAdd, Number.NEGATIVE_INFINITY) - Math.log(SHIFTS.length),
  };
}

/** Seconds after a share was given at which it is asked first. */
export const FIRST_MOMENT_SECONDS = 10;

/** The moment after `seconds`: each is about √2 times as late as the one before, so that little of a step lies behind the last. */
export function nextMoment(seconds: number): number {
  return Math.ceil(seconds * Math.SQRT2);
}

/**
 * The moments of a share at which it is asked, seconds after it was given, with the planned end. The data plane does not know
 * the plan and leaves the end out: then a part of the evidence is not used, and what there is stays valid.
 */
export function shiftMoments(plannedSeconds: number): readonly number[] {
  const moments: number[] = [];
  for (let at = FIRST_MOMENT_SECONDS; at < plannedSeconds; at = nextMoment(at)) moments.push(at);
  return [...moments, Math.max(FIRST_MOMENT_SECONDS, Math.ceil(plannedSeconds))];
}

/**
 * ln of the evidence so far, from what was found at the first of `count` moments: each has its part of it from the beginning, so
 * that the whole has a mean of at most 1 whatever the moments have to do with each other. It never shrinks, and so holds at
 * every look. −∞ before the first.
 */
export function shiftEvidence(found: readonly number[], count: number): number {
  return found.reduce(logAdd, Number.NEGATIVE_INFINITY) - Math.log(count);
}

interface Spread {
  /** Mean of ln latency over all visitors. */
  readonly mean: number;
  /** Variance of visitors' own means, and of one visitor's latencies around theirs. */
  readonly between: number;
  readonly within: number;
}

/** With fewer visitors nobody can say how much they differ. */
const LEAST_TOLD_BY = 10;

/** How much visitors differ from each other and from themselves, by both versions' visitors together. */
function spreadOf(speeds: readonly VisitorSpeed[]): Spread | null {
  if (speeds.length < LEAST_TOLD_BY) return null;
  let sum = 0;
  let n = 0;
  // Twice seen visitors tell how far a visitor's mean is from their own mean of before.
  let [pairs, ofPairs] = [0, 0];
  for (const { before, now } of speeds) {
    n += 1;
    sum += now.sum / now.n;
    if (before.n === 0) continue;
    const change = now.sum / now.n - before.sum / before.n;
    const noise = 1 / now.n + 1 / before.n;
    pairs += 1;
    ofPairs += (change * change) / noise;
  }
  const mean = sum / n;
  const within = pairs < LEAST_TOLD_BY ? 1 : Math.max(0.01, ofPairs / pairs);
  const total = speeds.reduce((all, { now }) => all + (now.sum / now.n - mean) ** 2 - within / now.n, 0) / (n - 1);
  return { mean, between: Math.max(0.01, total), within };
}

/** How far a visitor is from where they would be expected, and how uncertain that expectation and their own mean are. */
function changeOf(
  { before, now }: VisitorSpeed,
  { mean, between, within }: Spread,
): { readonly change: number; readonly variance: number } {
  const known = between * before.n;
  const expected = before.n === 0 ? mean : ((before.sum / before.n) * known + mean * within) / (known + within);
  return {
    change: now.sum / now.n - expected,
    variance: (between * within) / (known + within) + within / now.n,
  };
}

/** ln(1 − share + share·e^x), for any x. */
function logOfMean(share: number, x: number): number {
  return x > 0 ? x + Math.log(share + (1 - share) * Math.exp(-x)) : Math.log1p(share * Math.expm1(x));
}
