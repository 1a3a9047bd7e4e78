import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { ratesBeyond, ratesWithin } from "../../../src/core/analysis/statistics/alternatives.ts";
import { compare, type Comparison, evidenceOf, NO_COMPARISON } from "../../../src/core/analysis/evidence/comparison.ts";
import { dispersion, temperingOf } from "../../../src/core/analysis/statistics/dispersion.ts";
import {
  comparisonGains,
  freshEProcess,
  grow,
  limitGains,
  logEvidence,
} from "../../../src/core/analysis/statistics/e-process.ts";
import { power } from "../../../src/core/analysis/statistics/power.ts";

describe("evidence that grows second by second", () => {
  it("is (3/2)^t after t single events on the candidate, at odds 3 and equal sides", () => {
    let log = 0;
    for (let t = 1; t <= 5; t += 1) {
      const [gain = 0] = comparisonGains({ a: 10, b: 10, events: 1 }, 1, { grid: [3], tolerance: 1, tempering: 1 });
      log += gain;
      isNear(Math.exp(log), 1.5 ** t);
    }
  });

  it("begins at 1, and stays there while nothing is counted, however the stakes are laid", () => {
    let process = freshEProcess();
    isNear(logEvidence(process), 0);
    for (let second = 0; second < 700; second += 1) process = grow(process, [], 600);
    isNear(logEvidence(process), 0, 1e-9);
    equal(process.reserve, 0);
    equal(process.seconds, 700);
  });

  it("catches a fault that begins late, with what was held in reserve", () => {
    const late = seconds(300, { bad: 0 }, seconds(40, { bad: 5 }));
    ok(late.logTotal > Math.log(100), String(late.logTotal));
  });

  it("is weighed by guard, and every order of guards comes to the same", () => {
    const one: Comparison = {
      guards: [
        { id: "errors", weight: 0.5, tolerance: 1.5 },
        { id: "p95", weight: 0.5, tolerance: 1 },
      ],
      alpha: 0.01,
      plannedSeconds: 600,
    };
    const counted = {
      errors: { n: 20, bad: 6, nStable: 300, badStable: 1 },
      p95: { n: 20, bad: 1, nStable: 300, badStable: 15 },
    };
    const ahead = evidenceOf(compare(NO_COMPARISON, one, counted), one);
    const turned = { ...one, guards: one.guards.toReversed() };
    isNear(evidenceOf(compare(NO_COMPARISON, turned, counted), turned).logTotal, ahead.logTotal);
    equal(ahead.strongest, "errors");
    ok(ahead.logTotal < (ahead.logOf["errors"] ?? 0));
  });

  it("does not grow by trouble that hits both versions alike", () => {
    const both = seconds(300, { bad: 1, badStable: 19 });
    ok(both.logTotal < Math.log(2), String(both.logTotal));
  });

  it("does not grow where one side is silent, or all of both fails", () => {
    isNear(seconds(100, { n: 0, bad: 0 }).logTotal, 0, 1e-9);
    isNear(seconds(100, { n: 10, bad: 10, nStable: 0, badStable: 0 }).logTotal, 0, 1e-9);
    isNear(seconds(100, { n: 10, bad: 10, nStable: 190, badStable: 190 }).logTotal, 0, 1e-9);
  });
});

describe("a rate against its own limit", () => {
  it("is tried against 1.5, 2, 3, 5, 10, 30, 60 and 99 % where the limit is 1 %", () => {
    for (const [index, rate] of [0.015, 0.02, 0.03, 0.05, 0.1, 0.3, 0.6, 0.99].entries())
      isNear(ratesBeyond(0.01)[index] ?? 0, rate, 1e-9);
    ok(ratesBeyond(0.5).every((rate) => rate > 0.5 && rate < 1));
  });

  it("gains where it is broken and loses where it is kept", () => {
    const [broken = 0] = limitGains(100, 10, 0.01, [0.1]);
    const [kept = 0] = limitGains(100, 0, 0.01, [0.1]);
    ok(broken > 0 && kept < 0);
    const [proven = 0] = limitGains(1_000, 0, 0.01, ratesWithin(0.01));
    ok(proven > Math.log(20), "a thousand good answers show that it is below 1 %");
  });
});

describe("how bad events are spread over stable's own visitors", () => {
  it("is 1 where chance spreads them, and more where they come in heaps", () => {
    const even = Array.from({ length: 20 }, (_, i) => ({ n: 1_000, bad: [8, 10, 12, 9, 11][i % 5] ?? 10 }));
    ok(dispersion(even) < 1);
    equal(temperingOf(even), 1);
    const heaped = even.map((group, i) => (i === 3 ? { n: 1_000, bad: 90 } : group));
    ok(dispersion(heaped) > 10);
    ok(temperingOf(heaped) < 0.1);
  });

  it("is 1 while next to nothing is known", () => {
    equal(dispersion([]), 1);
    equal(dispersion(Array.from({ length: 20 }, () => ({ n: 10, bad: 0 }))), 1);
  });
});

it("the closed form agrees with the table of the design: 0.5, 1, 2 and 5 % at 50 requests a second, 5 %, 5 minutes", () => {
  for (const [rate, caught] of [
    [0.005, 0.19],
    [0.01, 0.74],
    [0.02, 0.995],
    [0.05, 1],
  ] as const) {
    const found = power({
      candidateRps: 2.5,
      stableRps: 47.5,
      candidateBad: rate,
      stableBad: 0.001,
      seconds: 300,
      alpha: 0.01,
      weight: 1,
      tolerance: 1,
      tempering: 1,
    });
    ok(Math.abs(found.caught - caught) < 0.05, `${rate}: ${found.caught}`);
  }
});

interface Second {
  readonly n?: number;
  readonly bad: number;
  readonly nStable?: number;
  readonly badStable?: number;
}

const ERRORS: Comparison = {
  guards: [{ id: "errors", weight: 1, tolerance: 1.5 }],
  alpha: 0.01,
  plannedSeconds: 340,
};

/** So many such seconds, and then those of `after`. */
function seconds(
  count: number,
  { n = 10, bad, nStable = 190, badStable = 0 }: Second,
  after?: {
    readonly state: typeof NO_COMPARISON;
    readonly play: (state: typeof NO_COMPARISON) => typeof NO_COMPARISON;
  },
): ReturnType<typeof evidenceOf> & {
  state: typeof NO_COMPARISON;
  play: (from: typeof NO_COMPARISON) => typeof NO_COMPARISON;
} {
  const play = (from: typeof NO_COMPARISON): typeof NO_COMPARISON => {
    let state = from;
    for (let second = 0; second < count; second += 1)
      state = compare(state, ERRORS, { errors: { n, bad, nStable, badStable } });
    return state;
  };
  const state = after === undefined ? play(NO_COMPARISON) : after.play(play(NO_COMPARISON));
  return { ...evidenceOf(state, ERRORS), state, play };
}

function isNear(found: number, expected: number, off = 1e-12): void {
  ok(Math.abs(found - expected) <= off * Math.max(1, Math.abs(expected)), `${found} instead of ${expected}`);
}

it("the closed form knows nothing to catch where all of both fail", () => {
  const all = {
    candidateRps: 2.5,
    stableRps: 47.5,
    candidateBad: 1,
    stableBad: 1,
    seconds: 300,
    alpha: 0.01,
    weight: 1,
    tolerance: 1.5,
    tempering: 1,
  };
  deepEqual(power(all), { caught: 0, delaySeconds: null });
});
