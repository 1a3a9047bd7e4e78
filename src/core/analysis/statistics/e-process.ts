import { WITHIN } from "./alternatives.ts";
import { logNormalisers, type Stratum } from "./hypergeometric.ts";

/**
 * Evidence that grows second by second and may be looked at as often as one likes. If nothing is wrong its mean stays at most 1,
 * so it reaches 1/α in at most α of all releases (Ville). Bets are laid on several sizes of the fault (`grid`) and on several
 * moments at which it began: every ten seconds a part of what is still in reserve is laid anew.
 */
export interface EProcess {
  /** ln of what stands on each size of the fault, without the division by their number. */
  readonly logStakes: readonly number[];
  /** What is not laid yet, 0 … 0.5. */
  readonly reserve: number;
  /** Watched seconds so far. */
  readonly seconds: number;
}

/** Sizes of the fault that are bet on, as odds ratios beyond the tolerated one. */
export const ODDS_RATIOS: readonly number[] = [1.5, 2, 3, 5, 10, 30, 100, 1000];

const LAY_EVERY_SECONDS = 10;
const AT_FIRST = 0.5;

/** Evidence of nothing yet, 1: a half of it is laid, the other is in reserve. */
export function freshEProcess(size: number = ODDS_RATIOS.length): EProcess {
  return { logStakes: Array.from({ length: size }, () => Math.log(AT_FIRST)), reserve: 1 - AT_FIRST, seconds: 0 };
}

/** That a version is good enough, of which nothing is shown yet. Without a reserve: what is healthy is so from the beginning. */
export const UNPROVEN: EProcess = { logStakes: WITHIN.map(() => 0), reserve: 0, seconds: 0 };

/**
 * One second on: each stake is multiplied by exp(`gains[i]`), which must have a mean of at most 1 under the null hypothesis.
 * `plannedSeconds` must be fixed beforehand; `Infinity`: nobody knows how long it lasts, and some of the reserve is always left.
 */
export function grow(before: EProcess, gains: readonly number[], plannedSeconds: number): EProcess {
  const seconds = before.seconds + 1;
  let { reserve } = before;
  let stakes = before.logStakes;
  if (before.seconds > 0 && before.seconds % LAY_EVERY_SECONDS === 0 && reserve > 0) {
    const turn = before.seconds / LAY_EVERY_SECONDS;
    const part =
      plannedSeconds === Number.POSITIVE_INFINITY
        ? reserve / (turn + 1)
        : Math.min(reserve, (1 - AT_FIRST) / Math.max(1, plannedSeconds / LAY_EVERY_SECONDS));
    reserve = reserve - part < 1e-12 ? 0 : reserve - part;
    stakes = stakes.map((stake) => logAdd(stake, Math.log(part)));
  }
  if (gains.some((gain) => gain !== 0)) stakes = stakes.map((stake, index) => stake + (gains[index] ?? 0));
  return { logStakes: stakes, reserve, seconds };
}

/** ln E. */
export function logEvidence({ logStakes, reserve }: EProcess): number {
  const top = Math.max(...logStakes);
  const sum = logStakes.reduce((all, stake) => all + Math.exp(stake - top), 0);
  const stakes = top + Math.log(sum) - Math.log(logStakes.length);
  return reserve === 0 ? stakes : logAdd(stakes, Math.log(reserve));
}

/** Evidence of several guards as one. */
export interface MeanEvidence<Id extends string> {
  /** ln of the weighted mean; −∞: no guard has a weight. */
  readonly log: number;
  /** The guard that says most; null: none has a weight. */
  readonly strongest: Id | null;
}

/** Holds whatever the guards have to do with each other: the mean of e-values is one. The weights come to at most 1 together. */
export function meanEvidence<Id extends string>(
  parts: readonly { readonly id: Id; readonly weight: number; readonly log: number }[],
): MeanEvidence<Id> {
  let mean = Number.NEGATIVE_INFINITY;
  let strongest: { readonly id: Id; readonly log: number } | null = null;
  for (const { id, weight, log } of parts) {
    if (weight <= 0) continue;
    const weighted = log + Math.log(weight);
    mean = logAdd(mean, weighted);
    if (strongest === null || weighted > strongest.log) strongest = { id, log: weighted };
  }
  return { log: mean, strongest: strongest?.id ?? null };
}

/** What is bet on, and how carefully. */
export interface Bets {
  /** Odds ratios beyond the tolerated one. */
  readonly grid: readonly number[];
  /** The odds ratio that is still no worse: 1, or 1.5. */
  readonly tolerance: number;
  /** 1/max(1, dispersion): less than 1 where bad events come in heaps. */
  readonly tempering: number;
}

/** What one second of two versions gains each odds ratio of the grid. `bad`: those of its events that fell on the candidate. */
export function comparisonGains(
  stratum: Stratum,
  bad: number,
  { grid, tolerance, tempering }: Bets,
): readonly number[] {
  if (stratum.events === 0 || stratum.a === 0 || stratum.b === 0) return grid.map(() => 0);
  const [atTolerance = 0, ...beyond] = logNormalisers(stratum, [
    tolerance,
    ...grid.map((factor) => factor * tolerance),
  ]);
  return grid.map((factor, index) => tempering * (bad * Math.log(factor) - (beyond[index] ?? 0) + atTolerance));
}

/** What `n` trials with `bad` bad ones gain each alternative rate, against a rate of at most `limit`, both 0 … 1. */
export function limitGains(n: number, bad: number, limit: number, alternatives: readonly number[]): readonly number[] {
  if (n === 0) return alternatives.map(() => 0);
  const most = inside(limit);
  return alternatives.map((each) => {
    const rate = inside(each);
    return bad * (Math.log(rate) - Math.log(most)) + (n - bad) * (Math.log1p(-rate) - Math.log1p(-most));
  });
}

/** Of what never or always happens no number of requests can tell: the nearest rate that it can. */
function inside(rate: number): number {
  return Math.min(1 - NEAREST, Math.max(NEAREST, rate));
}

const NEAREST = 1e-9;

/** ln(e^x + e^y) */
export function logAdd(x: number, y: number): number {
  const top = Math.max(x, y);
  return top === Number.NEGATIVE_INFINITY ? top : top + Math.log1p(Math.exp(Math.min(x, y) - top));
}
