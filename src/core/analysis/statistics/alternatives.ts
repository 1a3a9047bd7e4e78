/** Odds ratios beyond a limit that are bet on: for a limit of 1 % they are the rates 1.5, 2, 3, 5, 10, 30, 60 and 99 %. */
const BEYOND = [1.5, 2, 3, 5, 10, 30, 60, 99].map((percent) => odds(percent / 100) / odds(0.01));

/** Parts of a tolerated rate, or of an excluded odds ratio, that a healthy version is bet to have. */
export const WITHIN: readonly number[] = [0.02, 0.1, 0.25, 0.5];

/** Rates, 0 … 1, each above `limit`, that a version may have which breaks it. */
export function ratesBeyond(limit: number): readonly number[] {
  const safe = Math.min(1 - 1e-9, Math.max(limit, 1e-9));
  return BEYOND.map((ratio) => rateOf(odds(safe) * ratio));
}

/** Rates, 0 … 1, each well below `tolerated`. */
export function ratesWithin(tolerated: number): readonly number[] {
  return WITHIN.map((part) => tolerated * part);
}

/** The rate whose odds are `factor` times those of `rate`. */
export function rateAtOdds(rate: number, factor: number): number {
  return rate >= 1 ? 1 : rateOf(odds(rate) * factor);
}

function odds(rate: number): number {
  return rate / (1 - rate);
}

function rateOf(itsOdds: number): number {
  return itsOdds / (1 + itsOdds);
}
