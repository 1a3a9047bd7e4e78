import type { Comparison } from "../../src/core/analysis/evidence/comparison.ts";
import type { Forecast } from "../../src/core/forecast/forecast.ts";
import type { TrafficModel } from "../../src/core/forecast/traffic-model.ts";

/** Errors alone: 5 % of 50 requests a second, of which one in twenty fails. */
export const FAULTY_TRAFFIC: TrafficModel = {
  rps: 50,
  share: 0.05,
  stableErrors: 0.001,
  candidateErrors: 0.05,
  latency: null,
  bursts: null,
  load: null,
  visitors: null,
};

/** One guard with all of the weight and nothing tolerated, as in the published tables. The full ones: bench/operating.ts. */
const PLAIN: Comparison = { guards: [{ id: "errors", weight: 1, tolerance: 1 }], alpha: 0.01, plannedSeconds: 300 };

/** Five minutes of that traffic. */
export const FIVE_MINUTES: Forecast = { traffic: FAULTY_TRAFFIC, seconds: 300, comparison: PLAIN, tempering: 1 };
