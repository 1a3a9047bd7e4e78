import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import {
  compare,
  type ComparedGuard,
  type Comparison,
  evidenceOf,
  NO_COMPARISON,
} from "../../../src/core/analysis/evidence/comparison.ts";
import type { CountedSecond } from "../../../src/core/analysis/evidence/counted-second.ts";
import { comparisonGains, ODDS_RATIOS } from "../../../src/core/analysis/statistics/e-process.ts";
import { noncentralProbabilities, type Stratum } from "../../../src/core/analysis/statistics/hypergeometric.ts";
import { createRandom } from "../../../src/core/analysis/statistics/random.ts";

const ERRORS: ComparedGuard = { id: "errors", weight: 0.5, tolerance: 1.5 };
const GUARDS = [ERRORS, ...["p50", "p95", "p99"].map((id): ComparedGuard => ({ id, weight: 0.1, tolerance: 1 }))];
const COMPARISON: Comparison = { guards: GUARDS, alpha: 0.01, plannedSeconds: 60 };

describe("the evidence of a comparison", () => {
  it("grows by a factor whose mean is 1 in a second at the tolerated odds, and at most 1 below them and when tempered", () => {
    fc.assert(
      fc.property(
        stratum(),
        fc.constantFrom(1, 1.2, 1.5, 3),
        fc.constantFrom(0, 0.5, 1),
        fc.constantFrom(0.2, 0.7, 1),
        (one, tolerance, part, tempering) => {
          const odds = tolerance ** part;
          const lowest = Math.max(0, one.events - one.b);
          const means = ODDS_RATIOS.map(() => 0);
          for (const [index, chance] of noncentralProbabilities(one, odds).entries()) {
            const gains = comparisonGains(one, lowest + index, { grid: ODDS_RATIOS, tolerance, tempering });
            for (const [at, gain] of gains.entries()) (means[at] as number) += chance * Math.exp(gain);
          }
          for (const mean of means) {
            assert.ok(mean <= 1 + 1e-9, `${mean}`);
            if (part === 1 && tempering === 1) assert.ok(mean >= 1 - 1e-9, `${mean}`);
          }
        },
      ),
    );
  });

  for (const { tolerance, tempering } of [
    { tolerance: 1, tempering: 1 },
    { tolerance: 1.5, tempering: 1 },
    { tolerance: 1.5, tempering: 0.5 },
  ]) {
    it(`has a mean of at most 1 after a minute of traffic that swells and fails on both, tolerance ${tolerance}, tempering ${tempering}`, () => {
      const random = createRandom(11);
      const runs = 3_000;
      let sum = 0;
      let squares = 0;
      for (let run = 0; run < runs; run += 1) {
        const e = Math.exp(playHealthy(tolerance, tempering, random));
        sum += e;
        squares += e * e;
      }
      const mean = sum / runs;
      const deviation = Math.sqrt((squares / runs - mean * mean) / runs);
      assert.ok(mean <= 1 + 3.5 * deviation, `${mean} ± ${deviation}`);
      assert.ok(mean > 0.05, `${mean}: the mean of nothing would prove nothing`);
    });
  }

  it("is the same in whatever order the guards stand", () => {
    fc.assert(
      fc.property(history(), fc.shuffledSubarray(GUARDS, { minLength: GUARDS.length }), (seconds, shuffled) => {
        const [one, other] = [COMPARISON, { ...COMPARISON, guards: shuffled }].map((comparison) => {
          let state = NO_COMPARISON;
          for (const second of seconds) state = compare(state, comparison, second);
          return evidenceOf(state, comparison);
        });
        assert.deepEqual(one?.logOf, other?.logOf);
        assert.ok(Math.abs((one?.logTotal ?? 0) - (other?.logTotal ?? Number.NaN)) < 1e-9);
      }),
    );
  });

  it("never grows without data: no requests, or none of one of the two", () => {
    const nothing = fc.constantFrom<Readonly<Record<string, CountedSecond>>>(
      {},
      { errors: { n: 0, bad: 0, nStable: 0, badStable: 0 } },
      { errors: { n: 20, bad: 20, nStable: 0, badStable: 0 }, p95: { n: 5, bad: 5, nStable: 0, badStable: 0 } },
      { errors: { n: 0, bad: 0, nStable: 50, badStable: 50 } },
      { errors: { n: 40, bad: 0, nStable: 60, badStable: 0 } },
      { errors: { n: 5, bad: 5, nStable: 60, badStable: 60 } },
    );
    const comparison = { ...COMPARISON, guards: [{ ...ERRORS, weight: 1 }] };
    fc.assert(
      fc.property(fc.array(nothing, { maxLength: 200 }), (seconds) => {
        let state = NO_COMPARISON;
        for (const second of seconds) state = compare(state, comparison, second);
        assert.ok(evidenceOf(state, comparison).logTotal < 1e-9);
      }),
    );
  });

  it("does not change in a second that is missing", () => {
    fc.assert(
      fc.property(history(), fc.integer({ min: 1, max: 100 }), (seconds, missing) => {
        let state = NO_COMPARISON;
        for (const second of seconds) state = compare(state, COMPARISON, second);
        const before = evidenceOf(state, COMPARISON);
        for (let second = 0; second < missing; second += 1) state = compare(state, COMPARISON, {});
        const after = evidenceOf(state, COMPARISON);
        for (const { id } of GUARDS)
          assert.ok(Math.abs((after.logOf[id] ?? 0) - (before.logOf[id] ?? Number.NaN)) < 1e-9, id);
      }),
    );
  });
});

/** ln E of a guard of weight 1, for a candidate whose odds are exactly the tolerated ones. */
function playHealthy(tolerance: number, tempering: number, random: ReturnType<typeof createRandom>): number {
  const comparison = { ...COMPARISON, guards: [{ ...ERRORS, weight: 1, tolerance }] };
  let state = NO_COMPARISON;
  for (let second = 0; second < 60; second += 1) {
    const n = random.poisson(second < 30 ? 4 : 12);
    const nStable = random.poisson(second < 30 ? 30 : 20);
    const rate = second % 20 < 4 ? 0.3 : 0.02;
    const odds = (tolerance * rate) / (1 - rate);
    const bad = random.binomial(n, odds / (1 + odds));
    const badStable = random.binomial(nStable, rate);
    state = compare(state, comparison, { errors: { n, bad, nStable, badStable } }, { errors: tempering });
  }
  return evidenceOf(state, comparison).logTotal;
}

function stratum(): fc.Arbitrary<Stratum> {
  return fc
    .record({
      a: fc.integer({ min: 1, max: 40 }),
      b: fc.integer({ min: 1, max: 40 }),
      part: fc.integer({ min: 1, max: 100 }),
    })
    .map(({ a, b, part }) => ({ a, b, events: Math.ceil(((a + b) * part) / 100) }));
}

function history(): fc.Arbitrary<readonly Readonly<Record<string, CountedSecond>>[]> {
  const counted = fc
    .record({ n: fc.nat(20), nStable: fc.nat(80), part: fc.nat(100), partStable: fc.nat(100) })
    .map(({ n, nStable, part, partStable }) => ({
      n,
      nStable,
      bad: Math.floor((n * part) / 100),
      badStable: Math.floor((nStable * partStable) / 100),
    }));
  return fc.array(fc.record({ errors: counted, p50: counted, p95: counted, p99: counted }, { requiredKeys: [] }), {
    maxLength: 30,
  });
}
