import { deepEqual, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { errorsAround, growthOf, meanOf } from "../../../src/core/analysis/statistics/intervals.ts";
import { createRandom } from "../../../src/core/analysis/statistics/random.ts";

const SERIES = 400;
const LENGTH = 60;

/** Blocks that wander: each is so much like the one before, 0 … 1. */
function wandering(seed: number, likeness: number): readonly number[] {
  const random = createRandom(seed);
  let value = random.normal();
  return Array.from({ length: LENGTH }, () => {
    value = likeness * value + Math.sqrt(1 - likeness ** 2) * random.normal();
    return value;
  });
}

/** In how many series the interval once lies above the truth, which is 0, at any look from ten blocks on: that would fail a good version. */
function tooHigh(likeness: number, estimate: (values: readonly number[]) => { readonly low: number }): number {
  let count = 0;
  for (let seed = 1; seed <= SERIES; seed += 1) {
    const values = wandering(seed, likeness);
    if (values.slice(9).some((_, index) => estimate(values.slice(0, index + 10)).low > 0)) count += 1;
  }
  return count;
}

const slope = (values: readonly number[]) =>
  growthOf(
    values.map((_, index) => index),
    values,
  );

/** A mean and its standard error. */
function momentsOf({ sum, squares, n }: Readonly<Record<"sum" | "squares" | "n", number>>): {
  readonly mean: number;
  readonly error: number;
} {
  return { mean: sum / n, error: Math.sqrt((squares - sum ** 2 / n) / (n - 1) / n) };
}

describe("intervals of blocks", () => {
  for (const [name, estimate] of [
    ["mean", meanOf],
    ["slope", slope],
  ] as const) {
    it(`lie above the true ${name} at any look in one series of 100 at most while neighbours are no more than half alike`, () => {
      for (const likeness of [0, 0.5]) {
        const count = tooHigh(likeness, estimate);
        ok(count <= 0.01 * SERIES, `${count} of ${SERIES} at ${likeness}`);
      }
    });

    it(`lie above the true ${name} at any look in few series even where blocks forget a half in three minutes`, () => {
      const count = tooHigh(0.5 ** (1 / 3), estimate);
      ok(count <= 0.07 * SERIES, `${count} of ${SERIES}`);
    });
  }

  it("lie around the mean and the slope, and grow narrower with more blocks", () => {
    const values = wandering(7, 0).map((value, index) => 5 + value + 0.5 * index);
    const [few, many] = [slope(values.slice(0, 12)), slope(values)];
    ok(many.high - many.low < (few.high - few.low) / 5);
    ok(many.low < 0.5 && 0.5 < many.high && many.low > 0.4);
  });

  it("reach as far as GrowthBook's for the same figures: 0.50336, from -0.55844 to 1.56516", () => {
    const one = momentsOf({ sum: 1_396.87, squares: 52_377.9767, n: 3_000 });
    const other = momentsOf({ sum: 2_422.7, squares: 134_698.29, n: 3_461 });
    const lift = (other.mean - one.mean) / one.mean;
    const error = Math.hypot(other.error / one.mean, (one.error * other.mean) / one.mean ** 2);
    const half = error * errorsAround(3_000 + 3_461, 1_000, 0.05);
    for (const [found, expected] of [
      [lift, 0.50336],
      [lift - half, -0.55844],
      [lift + half, 1.56516],
    ] as const)
      ok(Math.abs(found - expected) < 1e-5, `${found} is not ${expected}`);
  });

  it("are a point where all blocks are the same", () => {
    deepEqual(meanOf([3, 3, 3, 3]), { value: 3, low: 3, high: 3 });
    deepEqual(slope([1, 2, 3, 4]), { value: 1, low: 1, high: 1 });
  });
});
