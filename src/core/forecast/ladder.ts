/** Error rates that people ask about, 0 … 1. */
const ERROR_RATES = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1] as const;
/** Slowdowns that people ask about, as factors. */
export const SLOWDOWNS: readonly number[] = [1.3, 1.5, 2, 3];

/** How much more than what is tolerated a fault must be to be one. */
const CLEARLY = 1.2;

/** The error rates of a candidate that are worse than is tolerated, the mildest first. Empty: stable fails so often that nothing is. */
export function worseErrorRates(stableErrors: number, tolerance: number, most = 6): readonly number[] {
  const bound = (stableErrors / Math.max(1 - stableErrors, 1e-9)) * tolerance * CLEARLY;
  return ERROR_RATES.filter((rate) => rate / Math.max(1 - rate, 1e-9) > bound).slice(0, most);
}
