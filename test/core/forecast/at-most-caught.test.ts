import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inClosedForm } from "../../../src/core/forecast/closed-form.ts";
import { comparisonOf, GUARD_WEIGHTS } from "../../../src/core/forecast/guards.ts";
import { type Forecast, play, summarize } from "../../../src/core/forecast/forecast.ts";
import { timeOfFault } from "../../../src/core/forecast/honest-limit.ts";
import type { TrafficModel } from "../../../src/core/forecast/traffic-model.ts";

function stepOf(traffic: Partial<TrafficModel>, seconds = 300): Forecast {
  const latency = { stableP95Ms: 100, spread: 0.6, candidateSlower: 1, tolerance: 1.15 };
  const usual = { share: 0.05, stableErrors: 0.001, candidateErrors: 0.001, bursts: null, load: null, visitors: null };
  return {
    traffic: { ...usual, rps: 50, latency, ...traffic },
    seconds,
    comparison: comparisonOf(GUARD_WEIGHTS, 1.5, seconds),
    tempering: 1,
  };
}

describe("the formula of what a step catches", () => {
  for (const [what, step] of [
    ["nothing", stepOf({})],
    ["what is tolerated", stepOf({ rps: 500, candidateErrors: 0.0015 })],
    ["a little more than is tolerated", stepOf({ candidateErrors: 0.002 })],
    [
      "what is a little slower, of very much traffic",
      stepOf({ rps: 1e6, latency: { stableP95Ms: 100, spread: 0.6, candidateSlower: 1.25, tolerance: 1.15 } }),
    ],
  ] as const)
    it(`does not say that some catch ${what}, where playing finds none`, () => {
      const { caught } = inClosedForm(step);
      assert.ok(caught < 0.01, `${caught}`);
      const played = summarize(Array.from({ length: 40 }, (_, run) => play({ ...step, seconds: 60 }, run + 1)));
      assert.ok(played.caught <= 0.05, `${played.caught}`);
    });

  it("is a chance for whatever part of the requests fails, all of them too", () => {
    const parts = [0, 0.001, 0.5, 0.99, 0.995, 0.999, 1];
    for (const share of [0.001, 0.5, 0.999])
      for (const stableErrors of parts)
        for (const candidateErrors of parts) {
          const { caught } = inClosedForm(stepOf({ share, stableErrors, candidateErrors, latency: null }));
          assert.ok(caught >= 0 && caught <= 1, `${caught} of ${candidateErrors} beside ${stableErrors}`);
        }
  });

  it("still says what is caught in part, and surely", () => {
    const half = inClosedForm(stepOf({ candidateErrors: 0.01, latency: null }));
    assert.ok(half.caught > 0.4 && half.caught < 0.6, `${half.caught}`);
    assert.ok(inClosedForm(stepOf({ candidateErrors: 0.05 })).caught > 0.99);
  });
});

it("how long a fault takes to be seen is said of that fault, and of none where it is tolerated", () => {
  const found = timeOfFault(stepOf({ candidateErrors: 0.01, latency: null }));
  assert.ok(found !== null && found.seconds > 300 && found.seconds < 450, JSON.stringify(found));
  assert.ok(found.leastSeconds < found.seconds);
  assert.equal(timeOfFault(stepOf({ candidateErrors: 0.0014, latency: null })), null);
  assert.equal(timeOfFault(stepOf({ candidateErrors: 0 })), null);
});
