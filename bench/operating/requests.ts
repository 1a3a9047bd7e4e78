import { forecastOf, type Line, MINUTE_SECONDS, plain, TRAFFIC } from "./line.ts";

/** One guard with all of the weight and nothing tolerated, 30 minutes. */
export function falseRollbacks(): readonly Line[] {
  const bursts = { everySeconds: 300, lastsSeconds: 20, errors: 0.2 };
  const seconds = 30 * MINUTE_SECONDS;
  return [20, 50, 200, 1_000].flatMap((rps, index): readonly Line[] => [
    {
      name: `healthy, ${rps}/s, 30 minutes`,
      forecast: forecastOf({ ...TRAFFIC, rps }, seconds, plain),
      runs: 4_000,
      published: [0.0018, 0.0033, 0.0033, 0.004][index] ?? null,
    },
    {
      name: `healthy, ${rps}/s, bursts that hit both`,
      forecast: forecastOf({ ...TRAFFIC, rps, bursts }, seconds, plain),
      runs: 4_000,
      published: [0.001, 0.0015, 0.0015, 0.0025][index] ?? null,
    },
  ]);
}

/** 50 requests a second, 5 %, 5 minutes. */
export function detections(): readonly Line[] {
  const seconds = 5 * MINUTE_SECONDS;
  return [
    [0.005, 0.19],
    [0.01, 0.74],
    [0.02, 0.995],
    [0.05, 1],
  ].map(([errors = 0, caught = 0]): Line => ({
    name: `${errors * 100} % errors, 50/s, 5 minutes`,
    forecast: forecastOf({ ...TRAFFIC, candidateErrors: errors }, seconds, plain),
    runs: 2_000,
    published: caught,
  }));
}
