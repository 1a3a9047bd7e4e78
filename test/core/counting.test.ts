import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COHORT_GROUPS, defaultCounting, groupOf, whatIsWrongInCounting } from "../../src/core/traffic/counting.ts";
import { isInCandidate, WHOLE } from "../../src/core/traffic/share.ts";

describe("what is counted by visitors", () => {
  it("is, in every release, what fails and what is slower than stable's p50, p95 and p99, once in ten minutes", () => {
    const counting = defaultCounting(42);
    assert.equal(whatIsWrongInCounting(counting), null);
    assert.deepEqual([counting.release, counting.onceMs], [42, 600_000]);
    assert.deepEqual(counting.counters, [
      { id: "errors", bad: { kind: "failed" } },
      { id: "p50", bad: { kind: "slower", quantile: 0.5, tolerance: 1.15 } },
      { id: "p95", bad: { kind: "slower", quantile: 0.95, tolerance: 1.15 } },
      { id: "p99", bad: { kind: "slower", quantile: 0.99, tolerance: 1.15 } },
    ]);
  });

  const failed = { id: "errors", bad: { kind: "failed" } };
  const slower = (changes: object) => ({
    id: "p95",
    bad: { kind: "slower", quantile: 0.95, tolerance: 1.15, ...changes },
  });
  const counting = (...counters: readonly unknown[]) => ({ release: 1, onceMs: 600_000, counters });
  for (const [wrong, message] of [
    [null, /^counting must be an object$/],
    [{ ...counting(), release: -1 }, /^counting\.release/],
    [{ ...counting(), onceMs: 0 }, /^counting\.onceMs/],
    [{ ...counting(), counters: {} }, /^counting\.counters must be a list$/],
    [counting(...Array.from({ length: 31 }, (_, i) => ({ ...failed, id: `errors ${i}` }))), /more than 30$/],
    [counting(failed, failed), /two of the id errors$/],
    [counting(failed, { ...failed, id: "" }), /^counting\.counters\[1\]\.id/],
    [counting({ id: "x", bad: { kind: "sad" } }), /\[0\]\.bad\.kind/],
    [counting(slower({ quantile: 1 })), /\.bad\.quantile/],
    [counting(slower({ quantile: Number.NaN })), /\.bad\.quantile/],
    [counting(slower({ tolerance: 0 })), /\.bad\.tolerance/],
    [counting({ ...failed, only: { method: 1 } }), /\.only\.method/],
    [counting({ ...failed, only: { path: "cart" } }), /\.only\.path/],
    [counting({ ...failed, only: { header: { name: "x-plan" } } }), /\.only\.header/],
  ] as const) {
    it(`is refused as ${JSON.stringify(wrong).slice(0, 90)}`, () => {
      assert.match(whatIsWrongInCounting(wrong) ?? "", message);
    });
  }
});

it("stable's groups are as large as each other, whatever share it has", () => {
  const sizes = new Map<number, number>();
  for (let cohort = 0; cohort < WHOLE; cohort += 1) {
    if (isInCandidate(cohort, 1_234, 7_500)) continue;
    sizes.set(groupOf(cohort), (sizes.get(groupOf(cohort)) ?? 0) + 1);
  }
  assert.equal(sizes.size, COHORT_GROUPS);
  assert.deepEqual(new Set(sizes.values()), new Set([2_500 / COHORT_GROUPS]));
});
