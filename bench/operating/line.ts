import type { Comparison } from "../../src/core/analysis/evidence/comparison.ts";
import type { Forecast } from "../../src/core/forecast/forecast.ts";
import { comparisonOf, GUARD_WEIGHTS } from "../../src/core/forecast/guards.ts";
import type { TrafficModel } from "../../src/core/forecast/traffic-model.ts";

/** A row of the table: a step that is played so many times. */
export interface Line {
  readonly name: string;
  readonly forecast: Forecast;
  readonly runs: number;
  /** Of its table: what part of the runs; null: it is in none. */
  readonly published: number | null;
  /** How many runs that figure seems to be of; absent: some thousand. */
  readonly publishedRuns?: number;
  /** It may be less. */
  readonly isBound?: true;
  /** It may be more. */
  readonly isLeast?: true;
}

export const MINUTE_SECONDS = 60;

export const TRAFFIC: TrafficModel = {
  rps: 50,
  share: 0.05,
  stableErrors: 0.001,
  candidateErrors: 0.001,
  latency: null,
  bursts: null,
  load: null,
  visitors: null,
};

/** One guard with all of the weight and nothing tolerated, as in the published tables. */
export function plain(plannedSeconds: number): Comparison {
  return comparisonOf({ errors: 1 }, 1, plannedSeconds);
}

/** As a plan without guards is compared: errors and p95, with what is tolerated of each. */
export function usual(plannedSeconds: number): Comparison {
  return comparisonOf(GUARD_WEIGHTS, 1.5, plannedSeconds);
}

/** `tempering`: 1 in the published tables; null as in life. */
export function forecastOf(
  traffic: TrafficModel,
  seconds: number,
  comparison: (plannedSeconds: number) => Comparison,
  tempering: 1 | null = 1,
): Forecast {
  return { traffic, seconds, comparison: comparison(seconds), tempering };
}
