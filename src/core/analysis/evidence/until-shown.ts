import { ratesWithin } from "../statistics/alternatives.ts";
import { SHOWN } from "./bounds.ts";
import { type EProcess, limitGains, logEvidence, UNPROVEN } from "../statistics/e-process.ts";

/** How many good ones in a row it takes from here until a rate below `rate`, 0 … 1, is shown; Infinity: none does. */
export function goodUntilShown({ logStakes }: EProcess, rate: number): number {
  const gains = limitGains(1, 0, rate, ratesWithin(rate));
  // No number of requests shows that something never happens.
  if (gains.every((gain) => gain <= 0)) return Number.POSITIVE_INFINITY;
  const isShownAfter = (count: number): boolean =>
    logEvidence({ ...UNPROVEN, logStakes: logStakes.map((stake, index) => stake + count * (gains[index] ?? 0)) }) >=
    SHOWN;
  let enough = 1;
  while (!isShownAfter(enough)) enough *= 2;
  let tooFew = Math.floor(enough / 2);
  while (enough - tooFew > 1) {
    const middle = Math.floor((enough + tooFew) / 2);
    if (isShownAfter(middle)) enough = middle;
    else tooFew = middle;
  }
  return enough;
}
