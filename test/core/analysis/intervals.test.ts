import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { relativeLift, shiftBetween } from "../../../src/core/analysis/intervals.ts";

describe("intervals beside means and gauges", () => {
  it("agree with GrowthBook's sequential interval", () => {
    const found = relativeLift(
      { n: 3_000, sum: 1_396.87, sumOfSquares: 52_377.9767 },
      { n: 3_461, sum: 2_422.7, sumOfSquares: 134_698.29 },
      { tuning: 1_000 },
    );
    ok(found !== null);
    for (const [key, expected] of Object.entries({ value: 0.50336, low: -0.55844, high: 1.56516 }))
      ok(Math.abs(found[key as keyof typeof found] - expected) < 1e-5, `${key}: ${found[key as keyof typeof found]}`);
  });

  it("agree with Kayenta's Mann-Whitney interval and its Hodges-Lehmann estimate", () => {
    deepEqual(shiftBetween([10, 20, 30, 40], [1, 2, 3, 4]), { value: 22.5, low: 6, high: 39 });
  });

  it("grow narrower with more values, and hold the true difference", () => {
    const xs = Array.from({ length: 80 }, (_, i) => 105 + (i % 17));
    const ys = Array.from({ length: 80 }, (_, i) => 100 + (i % 17));
    const [few, many] = [shiftBetween(xs.slice(0, 12), ys.slice(0, 12)), shiftBetween(xs, ys)];
    ok(few !== null && many !== null);
    ok(many.high - many.low < few.high - few.low);
    ok(many.low <= 5 && many.high >= 5);
  });

  it("are unknown without values", () => {
    equal(shiftBetween([], [1]), null);
    equal(relativeLift({ n: 1, sum: 1, sumOfSquares: 1 }, { n: 9, sum: 1, sumOfSquares: 1 }), null);
    equal(relativeLift({ n: 5, sum: 0, sumOfSquares: 0 }, { n: 9, sum: 1, sumOfSquares: 1 }), null);
  });
});
