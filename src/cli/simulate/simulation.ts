import { inClosedForm } from "../../core/forecast/closed-form.ts";
import { type Forecast, type ForecastResult, healthy, summarize } from "../../core/forecast/forecast.ts";
import { SLOWDOWNS, worseErrorRates } from "../../core/forecast/ladder.ts";
import type { TrafficModel } from "../../core/forecast/traffic-model.ts";
import type { Power } from "../../core/analysis/statistics/power.ts";
import { type CaughtAt, type RunOptions, runForecasts } from "./run-forecasts.ts";

/** One kind of candidate in the step's traffic. */
export interface Case {
  readonly forecast: Forecast;
  readonly fault: { readonly errors: number } | { readonly slower: number } | "as-given" | "healthy";
  readonly formula: Power;
}

/** A case as it was played. */
export interface PlayedCase extends Case {
  readonly result: ForecastResult;
  readonly caughtAt: CaughtAt;
}

/** The candidate as it was described, and a healthy one in the same traffic. */
export function asGiven(forecast: Forecast): readonly Case[] {
  return [caseOf(forecast, "as-given"), healthyCase(forecast)];
}

/** Errors and slowdowns of several sizes, and a healthy candidate. */
export function severalSizes(forecast: Forecast): readonly Case[] {
  const { traffic, comparison } = healthyCase(forecast).forecast;
  const tolerance = comparison.guards.find(({ id }) => id === "errors")?.tolerance ?? null;
  const rates = tolerance === null ? [] : worseErrorRates(traffic.stableErrors, tolerance);
  const { latency } = traffic;
  const slowdowns = latency === null || comparison.guards.every(({ id }) => id === "errors") ? [] : SLOWDOWNS;
  const withTraffic = (over: Partial<TrafficModel>): Forecast => ({ ...forecast, traffic: { ...traffic, ...over } });
  return [
    ...rates.map((errors) => caseOf(withTraffic({ candidateErrors: errors }), { errors })),
    ...slowdowns.map((slower) =>
      caseOf(withTraffic({ latency: latency === null ? null : { ...latency, candidateSlower: slower } }), { slower }),
    ),
    healthyCase(forecast),
  ];
}

export function healthyCase(forecast: Forecast): Case {
  return caseOf({ ...forecast, traffic: healthy(forecast.traffic) }, "healthy");
}

/** Plays every case in worker threads. Faults: interrupted. */
export async function playCases(cases: readonly Case[], options: RunOptions): Promise<readonly PlayedCase[]> {
  const played = await runForecasts(
    cases.map(({ forecast }) => forecast),
    options,
  );
  return cases.map((one, index) => {
    const caughtAt = played[index] ?? [];
    return { ...one, caughtAt, result: summarize(caughtAt) };
  });
}

function caseOf(forecast: Forecast, fault: Case["fault"]): Case {
  return { forecast, fault, formula: inClosedForm(forecast) };
}
