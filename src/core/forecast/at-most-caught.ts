import { ODDS_RATIOS } from "../analysis/statistics/e-process.ts";
import { normalCdf } from "../analysis/statistics/normal.ts";
import { boundToCross, crossing, type PowerQuestion, walkOf } from "../analysis/statistics/power.ts";

/**
 * What a step catches at most, 0 … 1. The formula's walk takes small steps, and evidence of rare events leaps: it would have a
 * bet on a thousand times as many come back from any depth. By Lundberg's inequality one that loses on the average ever
 * reaches its bound with a chance of e^(−θ·bound) at most, where its gains of a second have E[e^(θ·gain)] = 1.
 */
export function atMostCaught(question: PowerQuestion): number {
  const { candidateRps, candidateBad, stableRps, stableBad, seconds } = question;
  const bound = boundToCross(question);
  const events = { ours: candidateRps * candidateBad, theirs: stableRps * stableBad };
  let most = 0;
  for (const factor of ODDS_RATIOS) {
    const { drift, variance } = walkOf(question, factor);
    const walk = crossing(drift, variance, bound, seconds);
    const leaps = drift >= 0 ? 1 : Math.exp(-bound * exponentOf(events, Math.log(factor), drift));
    const looks = drift >= 0 || events.ours < MANY_EVENTS ? 1 : atAnyLook(drift, variance, bound, seconds);
    most = Math.max(most, Math.min(walk, leaps, looks));
  }
  return most;
}

/** Bad requests of the candidate a second from which a second's sum is as good as normal. */
const MANY_EVENTS = 10;

/** The walk is looked at once a second, and has long gone down by then where much is asked: the sum of all looks' chances. */
function atAnyLook(drift: number, variance: number, bound: number, seconds: number): number {
  let sum = 0;
  for (let second = 1; second <= seconds && sum < 1; second += 1) {
    const chance = 1 - normalCdf((bound - drift * second) / Math.sqrt(variance * second));
    sum += chance;
    // From the second in which it is likeliest on it only falls.
    if (second > bound / -drift && chance < 1e-6) break;
  }
  return sum;
}

/** θ > 0 where each bad request costs the same, and one of the candidate gains `up` besides; their mean is `drift` < 0. */
function exponentOf({ ours, theirs }: Readonly<Record<"ours" | "theirs", number>>, up: number, drift: number): number {
  const cost = (ours * up - drift) / (ours + theirs);
  // What one costs more than it gains is never won back.
  if (up <= cost || ours === 0) return Number.POSITIVE_INFINITY;
  const excess = (theta: number): number => ours * Math.expm1(theta * (up - cost)) + theirs * Math.expm1(-theta * cost);
  let high = 1;
  while (excess(high) < 0 && high < MOST) high *= 2;
  let low = 0;
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (excess(middle) < 0) low = middle;
    else high = middle;
  }
  return low;
}

const MOST = 64;
