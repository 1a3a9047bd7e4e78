import { equal, ok } from "node:assert/strict";
import { it } from "node:test";
import { usualRuns } from "../../src/cli/simulate/usual-runs.ts";
import type { Forecast } from "../../src/core/forecast/forecast.ts";
import { comparisonOf, GUARD_WEIGHTS } from "../../src/core/forecast/guards.ts";

function stepOf(rps: number, seconds: number): Forecast {
  const latency = { stableP95Ms: 100, spread: 0.6, candidateSlower: 1, tolerance: 1.15 };
  return {
    traffic: {
      rps,
      share: 0.05,
      stableErrors: 0.001,
      candidateErrors: 0.01,
      latency,
      bursts: null,
      load: null,
      visitors: null,
    },
    seconds,
    comparison: comparisonOf(GUARD_WEIGHTS, 1.5, seconds),
    tempering: 1,
  };
}

it("a step is played a thousand times, and less often where much traffic or a long time would make it take minutes", () => {
  equal(usualRuns(stepOf(50, 600), 2), 1_000);
  equal(usualRuns(stepOf(50, 600), 11), 300);
  const ofMuch = usualRuns(stepOf(1e6, 600), 2);
  ok(ofMuch >= 50 && ofMuch <= 200, `${ofMuch}`);
  equal(usualRuns(stepOf(1e7, 28 * 86_400), 2), 20);
});
