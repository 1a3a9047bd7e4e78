import { inClosedForm } from "../../core/forecast/closed-form.ts";
import { type Forecast, type ForecastResult, healthy, summarize } from "../../core/forecast/forecast.ts";
import { SLOWDOWNS, worseErrorRates } from "../../core/forecast/ladder.ts";
import type { TrafficModel } from "../../core/forecast/traffic-model.ts";
import { type Metric, QUANTILES } from "../../core/plan/guard.ts";
import type { Power } from "../../core/analysis/power.ts";
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

const USUAL_RUNS = 1_000;
/** Of each, where there are many cases. */
const RUNS_OF_MANY = 300;
const LEAST_RUNS = 100;
/** Of what would take minutes all the same. */
const FEWEST_RUNS = 20;
/** Of a case, on one core: two of them take some ten seconds on two. */
const MOST_MS = 15_000;

/** As many runs as take a short while: all of them, but for steps of days, and for much traffic. */
export function usualRuns(forecast: Forecast, cases: number): number {
  const ofOne = MOST_MS / millisecondsOf(forecast);
  const each = (2 * ofOne) / Math.max(2, cases);
  // Of many cases most are caught at once.
  const least = Math.max(FEWEST_RUNS, Math.min(LEAST_RUNS, ofOne));
  const runs = Math.min(cases > 2 ? RUNS_OF_MANY : USUAL_RUNS, Math.max(least, each));
  return runs < 100 ? Math.floor(runs / 10) * 10 : Math.floor(runs / 100) * 100;
}

const MS_OF_REQUEST = 2.5e-4;
const MS_OF_SECOND = 0.004;
/** Of numbers that are drawn by counting, up to some hundreds of them. */
const MS_OF_DRAWING = 2e-5;
const MOST_DRAWN = 1_200;
/** The comparison sums over so many outcomes as lie around the likeliest. */
const MS_OF_DEVIATION = 0.0025;

/** What one run takes where nothing is caught, roughly: of visitors each request is played, of the rest each second is drawn at once. */
function millisecondsOf({ seconds, traffic, comparison }: Forecast): number {
  const { rps, share, stableErrors, visitors } = traffic;
  const ofGuards = comparison.guards.map(({ id }) => {
    const bad = id === "errors" ? stableErrors : 1 - (QUANTILES[id as Metric] ?? 1);
    return MS_OF_SECOND + MS_OF_DEVIATION * Math.sqrt(rps * share * (1 - share) * bad);
  });
  const ofSecond = ofGuards.reduce((sum, each) => sum + each, 0);
  return seconds * (ofSecond + (visitors === null ? MS_OF_DRAWING * Math.min(MOST_DRAWN, rps) : MS_OF_REQUEST * rps));
}
