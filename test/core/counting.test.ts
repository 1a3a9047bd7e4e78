import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { COHORT_GROUPS, countingOf, groupOf, whatIsWrongInCounting } from "../../src/core/traffic/counting.ts";
import type { Guard, Limit, Metric } from "../../src/core/plan/guard.ts";
import { planOf, step } from "../support/plans.ts";
import { isInCandidate, WHOLE } from "../../src/core/traffic/share.ts";

describe("what is counted by visitors", () => {
  it("is what the guards of the plan compare with stable, a counter for each factor, once in ten minutes", () => {
    const guard = (metric: Metric, ...rollback: readonly Limit[]): Guard => ({
      metric,
      limits: { rollback },
      windowMs: 60_000,
      minRequests: 100,
      minEvents: 3,
      breaches: 3,
    });
    const guards = [
      guard("errors", { kind: "absolute", value: 0.01 }, { kind: "relative", factor: 1.5 }),
      guard("p95", { kind: "relative", factor: 1.15 }),
      guard("p99", { kind: "absolute", value: 800 }),
    ];
    const wider = [guard("p95", { kind: "relative", factor: 2 })];
    const counting = countingOf(
      42,
      planOf([step.shift(5, 60_000, { guards }), step.shift(25, 60_000, { guards: wider })]),
    );
    assert.equal(whatIsWrongInCounting(counting), null);
    assert.deepEqual([counting.release, counting.onceMs], [42, 600_000]);
    const slower = (tolerance: number) => ({ kind: "slower", quantile: 0.95, tolerance, leastMs: 25 });
    assert.deepEqual(counting.counters, [
      { id: "errors", bad: { kind: "failed" } },
      { id: "p95@1.15", bad: slower(1.15) },
      { id: "p95@2", bad: slower(2) },
    ]);
  });

  it("of a feature goes on without a candidate where a later release is held against it", () => {
    const base = {
      windowMs: 60_000,
      minRequests: 100,
      minEvents: 3,
      breaches: 3,
      feature: "pay",
      only: { path: "/p" },
    };
    const guard = (days?: 1): Guard => ({
      ...base,
      metric: "errors",
      limits: { rollback: [{ kind: "before", factor: 2, ...(days === undefined ? {} : { days }) }] },
    });
    const lastingIn = (...guards: readonly Guard[]) =>
      countingOf(1, planOf(guards.map((one) => step.shift(100, 1, { guards: [one] })))).counters.map(
        ({ id, lasting }) => [id, lasting],
      );
    assert.deepEqual(lastingIn(guard(), guard(1)), [["feature:pay", true]]);
    assert.deepEqual(lastingIn(guard()), [["feature:pay", undefined]]);
  });

  it("of a feature is its requests alone, all of them under its name too, whatever limits it has", () => {
    const base = { windowMs: 60_000, minRequests: 100, minEvents: 3, breaches: 3 };
    const only = { method: "POST", path: "/checkout" };
    const about = { feature: "checkout", only };
    const guards: readonly Guard[] = [
      { ...base, metric: "errors", limits: { rollback: [{ kind: "relative", factor: 1.5 }] } },
      { ...base, ...about, metric: "errors", limits: { rollback: [{ kind: "relative", factor: 2 }] } },
      { ...base, ...about, metric: "p95", limits: { hold: [{ kind: "relative", factor: 1.3 }] } },
      {
        ...base,
        feature: "search",
        only: { path: "/s" },
        metric: "p99",
        limits: { warn: [{ kind: "plain", value: 800 }] },
      },
    ];
    const counting = countingOf(1, planOf([step.shift(5, 60_000, { guards })]));
    assert.equal(whatIsWrongInCounting(counting), null);
    assert.deepEqual(counting.counters, [
      { id: "errors", bad: { kind: "failed" } },
      { id: "feature:checkout", bad: { kind: "failed" }, ...about },
      { id: "errors:checkout", bad: { kind: "failed" }, ...about },
      { id: "p95:checkout@1.3", bad: { kind: "slower", quantile: 0.95, tolerance: 1.3, leastMs: 25 }, ...about },
      { id: "feature:search", bad: { kind: "failed" }, feature: "search", only: { path: "/s" } },
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
    [counting({ ...failed, feature: "" }), /\.feature must be a string/],
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
