import { ok } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import {
  logNormaliser,
  logNormaliserBound,
  noncentralProbabilities,
  type Stratum,
} from "../../../src/core/analysis/statistics/hypergeometric.ts";

describe("Fisher's noncentral hypergeometric", () => {
  it("has the published chances for two and two, two events, odds 2: 1, 8 and 4 of 13", () => {
    const chances = noncentralProbabilities({ a: 2, b: 2, events: 2 }, 2);
    for (const [j, expected] of [1 / 13, 8 / 13, 4 / 13].entries()) isNear(chances[j] ?? Number.NaN, expected);
  });

  it("has a normaliser that is the sum of its definition", () => {
    fc.assert(
      fc.property(stratum(), ratio(), (one, r) => {
        isNear(logNormaliser(one, r), Math.log(byDefinition(one, r)), 1e-9);
      }),
    );
  });

  it("is the sum of all its terms where thousands of them are summed in steps too", () => {
    for (const large of [
      { a: 2_000, b: 38_000, events: 2_000 },
      { a: 5_000, b: 5_000, events: 5_000 },
      { a: 50_000, b: 950_000, events: 50_000 },
    ])
      for (const r of [1, 1.5, 2, 30, 1_000]) {
        const whole = logSumOfAll(large, r) - logSumOfAll(large, 1);
        isNear(logNormaliser(large, r), whole, 1e-9);
      }
  });

  it("has a bound that is never below it", () => {
    fc.assert(
      fc.property(stratum(), ratio(), (one, r) => {
        ok(logNormaliserBound(one, r) >= logNormaliser(one, r) - 1e-9, `${logNormaliserBound(one, r)}`);
      }),
    );
  });

  it("stands a million requests of which half are events", () => {
    const large = { a: 50_000, b: 950_000, events: 500_000 };
    const found = logNormaliser(large, 1.5);
    // Close to a binomial with a smaller variance: mean 25 000 ln 1.5, and half the variance times the square of it.
    const mean = 25_000 * Math.log(1.5);
    const variance = 50_000 * 0.5 * 0.5 * 0.95;
    isNear(found / (mean + 0.5 * variance * Math.log(1.5) ** 2), 1, 1e-3);
    isNear(logNormaliser(large, 1), 0);
  });

  it("has nothing to say where nobody was asked, or nothing failed", () => {
    isNear(logNormaliser({ a: 0, b: 10, events: 3 }, 5), 0);
    isNear(logNormaliser({ a: 5, b: 10, events: 0 }, 5), 0);
    isNear(logNormaliser({ a: 5, b: 0, events: 5 }, 5), 5 * Math.log(5));
  });
});

/** ln Σ C(a, j)·C(b, events − j)·r^j, in parts of its first term: one after the other. */
function logSumOfAll({ a, b, events }: Stratum, r: number): number {
  let log = 0;
  let sum = 0;
  for (let j = 0; j < Math.min(a, events); j += 1) {
    log += Math.log((r * (a - j) * (events - j)) / ((j + 1) * (b - events + j + 1)));
    sum = Math.max(sum, log) + Math.log1p(Math.exp(-Math.abs(sum - log)));
  }
  return sum;
}

function stratum(): fc.Arbitrary<Stratum> {
  return fc
    .record({
      a: fc.integer({ min: 0, max: 60 }),
      b: fc.integer({ min: 0, max: 60 }),
      part: fc.integer({ min: 0, max: 100 }),
    })
    .map(({ a, b, part }) => ({ a, b, events: Math.floor(((a + b) * part) / 100) }));
}

function ratio(): fc.Arbitrary<number> {
  return fc.constantFrom(1, 1.2, 1.5, 2, 3, 10, 100, 1000);
}

function byDefinition({ a, b, events }: Stratum, r: number): number {
  let sum = 0;
  let all = 0;
  for (let j = Math.max(0, events - b); j <= Math.min(events, a); j += 1) {
    const weight = choose(a, j) * choose(b, events - j);
    all += weight;
    sum += weight * r ** j;
  }
  return sum / all;
}

function choose(n: number, k: number): number {
  let product = 1;
  for (let i = 1; i <= k; i += 1) product = (product * (n - k + i)) / i;
  return product;
}

function isNear(found: number, expected: number, off = 1e-12): void {
  ok(Math.abs(found - expected) <= off * Math.max(1, Math.abs(expected)), `${found} instead of ${expected}`);
}
