import type { Forecast } from "../../core/forecast/forecast.ts";
import { type Metric, QUANTILES } from "../../core/plan/guard.ts";

const USUAL_RUNS = 1_000;
/** Of each, where there are many cases. */
const RUNS_OF_MANY = 300;
const LEAST_RUNS = 60;
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

const MS_OF_REQUEST = 4e-4;
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
