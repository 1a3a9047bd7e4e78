import { type Bets, comparisonGains } from "../statistics/e-process.ts";

/** What one guard counted in one second of both versions: after visitors who had failed already were left out. */
export interface CountedSecond {
  /** Requests of the candidate and how many of them were bad. */
  readonly n: number;
  readonly bad: number;
  readonly nStable: number;
  readonly badStable: number;
}

/** A second in which neither version was asked anything. */
export const NOTHING_COUNTED: CountedSecond = { n: 0, bad: 0, nStable: 0, badStable: 0 };

/** Two seconds as one. */
export function added(one: CountedSecond, other: CountedSecond): CountedSecond {
  return {
    n: one.n + other.n,
    bad: one.bad + other.bad,
    nStable: one.nStable + other.nStable,
    badStable: one.badStable + other.badStable,
  };
}

/** What such a second gains each odds ratio that is bet on, as logarithms. */
export function gainsOf({ n, bad, nStable, badStable }: CountedSecond, bets: Bets): readonly number[] {
  return comparisonGains({ a: n, b: nStable, events: bad + badStable }, bad, bets);
}
