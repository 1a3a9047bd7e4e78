import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { ratesBeyond, ratesWithin } from "../../../src/core/analysis/statistics/alternatives.ts";
import { dispersion, temperingOf } from "../../../src/core/analysis/statistics/dispersion.ts";
import { limitGains, UNPROVEN } from "../../../src/core/analysis/statistics/e-process.ts";
import { goodUntilShown } from "../../../src/core/analysis/evidence/until-shown.ts";
import { createRandom } from "../../../src/core/analysis/statistics/random.ts";

describe("a limit of its own", () => {
  it("is tried against rates that are beyond it, whatever it is, and what passes against rates within", () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 0.98, noNaN: true }), (limit) => {
        for (const rate of ratesBeyond(limit)) assert.ok(rate > limit && rate < 1, `${rate} for ${limit}`);
        for (const rate of ratesWithin(limit)) assert.ok(rate < limit, `${rate} for ${limit}`);
      }),
    );
  });

  it("gains a factor whose mean is 1 at the limit, and at most 1 below it", () => {
    fc.assert(
      fc.property(fc.constantFrom(0.001, 0.01, 0.2), fc.constantFrom(0.1, 0.8, 1), fc.nat(30), (limit, part, n) => {
        const rate = limit * part;
        const means = ratesBeyond(limit).map(() => 0);
        for (let bad = 0, chance = (1 - rate) ** n; bad <= n; bad += 1) {
          for (const [at, gain] of limitGains(n, bad, limit, ratesBeyond(limit)).entries())
            (means[at] as number) += chance * Math.exp(gain);
          chance *= ((n - bad) * rate) / ((bad + 1) * (1 - rate));
        }
        for (const mean of means) {
          assert.ok(mean <= 1 + 1e-9, `${mean}`);
          if (part === 1) assert.ok(Math.abs(mean - 1) < 1e-9, `${mean}`);
        }
      }),
    );
  });
});

describe("how bad events spread over groups of visitors", () => {
  it("is 1 for independent requests, and tempers nothing", () => {
    const random = createRandom(5);
    const mean =
      Array.from({ length: 200 }, () =>
        dispersion(Array.from({ length: 20 }, () => ({ n: 2_000, bad: random.binomial(2_000, 0.01) }))),
      ).reduce((sum, each) => sum + each, 0) / 200;
    assert.ok(Math.abs(mean - 1) < 0.1, `${mean}`);
    assert.equal(temperingOf([{ n: 100, bad: 1 }]), 1);
  });

  it("is the size of the heaps in which they come, and tempers by it", () => {
    const random = createRandom(5);
    const heaps = Array.from({ length: 20 }, () => ({ n: 2_000, bad: 10 * random.binomial(200, 0.01) }));
    assert.ok(dispersion(heaps) > 4 && dispersion(heaps) < 20, `${dispersion(heaps)}`);
    assert.ok(Math.abs(temperingOf(heaps) * dispersion(heaps) - 1) < 1e-9);
  });

  it("is not told of groups in which nothing was to be expected, nor where everything fails", () => {
    assert.equal(dispersion(Array.from({ length: 20 }, () => ({ n: 10, bad: 0 }))), 1);
    assert.equal(dispersion(Array.from({ length: 20 }, () => ({ n: 10, bad: 10 }))), 1);
    assert.equal(dispersion([]), 1);
  });
});

describe("a rate that nothing can be said of", () => {
  for (const rate of [0, 1])
    it(`is ${rate * 100} %: it is known how many good ones are missing, and all gains are numbers`, () => {
      assert.equal(goodUntilShown(UNPROVEN, rate), rate === 0 ? Number.POSITIVE_INFINITY : 1);
      for (const bad of [0, 3, 10]) assert.ok(limitGains(10, bad, rate, ratesBeyond(rate)).every(Number.isFinite));
    });
});
