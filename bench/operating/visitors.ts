import { comparisonOf } from "../../src/core/forecast/guards.ts";
import type { LatencyModel, TrafficModel, VisitorModel } from "../../src/core/forecast/traffic-model.ts";
import { forecastOf, type Line, MINUTE_SECONDS, plain, TRAFFIC, usual } from "./line.ts";

const SECONDS = 20 * MINUTE_SECONDS;
const LATENCY: LatencyModel = { stableP95Ms: 500, spread: 0.6, candidateSlower: 1, tolerance: 1.15 };
/** As the data plane tells them apart: known for 20 minutes, 30 requests each in the mean. */
const ALIKE: VisitorModel = {
  count: 4_000,
  activity: 1,
  bots: 0,
  failing: 0,
  slow: 0,
  speed: 0,
  countOnceSeconds: 600,
  knownSeconds: SECONDS,
};

/** 100 requests a second, 5 %, 4 000 visitors, 20 minutes. */
function trafficOf(visitors: Partial<VisitorModel>, over: Partial<TrafficModel> = {}): TrafficModel {
  return { ...TRAFFIC, rps: 100, latency: LATENCY, visitors: { ...ALIKE, ...visitors }, ...over };
}

/**
 * Why visitors are counted: some always fail, and nothing is tolerated. The published table says neither how long its steps were nor
 * how its visitors differ; its figures, all multiples of half a per cent, are reproduced by ten minutes in which all ask for as much.
 */
export function waysOfCounting(): readonly Line[] {
  const published: Readonly<Record<number, readonly number[]>> = { 0.001: [0.045, 0.015, 0], 0.005: [0.125, 0.045, 0] };
  return [0.001, 0.005].flatMap((failing) =>
    [0, 60, 600].flatMap((countOnceSeconds, index): readonly Line[] => {
      const name = `healthy, ${failing * 100} % of visitors always fail, ${inWords(countOnceSeconds)}`;
      const step = (visitors: Partial<VisitorModel>, seconds: number): Line["forecast"] =>
        forecastOf(trafficOf({ failing, countOnceSeconds, ...visitors }, { latency: null }), seconds, plain);
      return [
        {
          name: `${name}, 10 minutes, all ask alike`,
          forecast: step({ activity: 0 }, SECONDS / 2),
          runs: 1_000,
          published: published[failing]?.[index] ?? null,
          publishedRuns: 200,
        },
        {
          name: `${name}, 20 minutes`,
          forecast: step({}, SECONDS),
          runs: 1_000,
          // Only this way of counting promises anything; the others show why.
          published: countOnceSeconds === 600 ? 0.01 : null,
          isBound: true,
        },
      ];
    }),
  );
}

/** The same of latency, by p95 alone and without what is known of each visitor. */
export function waysOfTiming(): readonly Line[] {
  const byP95 = (plannedSeconds: number): ReturnType<typeof plain> => comparisonOf({ p95: 1 }, 1, plannedSeconds);
  return [0.5, 1].flatMap((speed) =>
    [0, 60, 600].map((countOnceSeconds): Line => ({
      name: `healthy, speeds differ by ${speed}, p95 alone, ${inWords(countOnceSeconds)}`,
      forecast: forecastOf(trafficOf({ speed, countOnceSeconds, knownSeconds: null }), SECONDS, byP95),
      runs: 400,
      published: countOnceSeconds === 600 ? 0.01 : null,
      isBound: true,
    })),
  );
}

function inWords(countOnceSeconds: number): string {
  return countOnceSeconds === 0 ? "each request counts" : `once in ${countOnceSeconds} s`;
}

/** Healthy candidates among visitors of every kind, compared as by default. Those that try it hardest are played more often. */
export function kindsOfVisitors(): readonly Line[] {
  const slower = { latency: { ...LATENCY, candidateSlower: LATENCY.tolerance } };
  const trouble = {
    bursts: { everySeconds: 300, lastsSeconds: 20, errors: 0.2 },
    load: { everySeconds: 600, lastsSeconds: 60, slower: 2, busier: 1.5 },
  };
  const all = { activity: 2, bots: 0.001, failing: 0.001, slow: 0.001, speed: 1 };
  const kinds: readonly (readonly [string, number, TrafficModel])[] = [
    ["alike but for how much they ask", 1_000, trafficOf({})],
    ["some ask ten thousand times as much as others", 1_000, trafficOf({ activity: 2 })],
    ["1 % ask a hundred times as much", 1_000, trafficOf({ bots: 0.01 })],
    ["0.1 % always fail", 1_000, trafficOf({ failing: 0.001 })],
    ["0.5 % always fail", 2_000, trafficOf({ failing: 0.005 })],
    ["0.1 % always wait ten times as long", 1_000, trafficOf({ slow: 0.001 })],
    ["0.5 % always wait ten times as long", 2_000, trafficOf({ slow: 0.005 })],
    ["speeds differ by 0.5", 1_000, trafficOf({ speed: 0.5 })],
    ["speeds differ by 1", 2_000, trafficOf({ speed: 1 })],
    ["speeds differ by 1, nobody known before", 2_000, trafficOf({ speed: 1, knownSeconds: 0 })],
    ["speeds differ by 1, 1.15x as slow, which is tolerated", 2_000, trafficOf({ speed: 1 }, slower)],
    ["all of it, with bursts and load", 2_000, trafficOf(all, trouble)],
  ];
  return kinds.map(([name, runs, traffic]): Line => ({
    name: `healthy, visitors: ${name}`,
    forecast: forecastOf(traffic, SECONDS, usual, null),
    runs,
    published: 0.01,
    isBound: true,
  }));
}

/** What the comparison of latency finds, as by default: most of such steps were asked for. */
export function slowdowns(): readonly Line[] {
  return [0, 0.5, 1].flatMap((speed): readonly Line[] => [
    slowdown(1.3, speed, { knownSeconds: SECONDS, published: 0.5 }),
    slowdown(1.3, speed, { knownSeconds: 0, published: null }),
    slowdown(1.3, speed, { knownSeconds: null, published: null }),
    slowdown(2, speed, { knownSeconds: SECONDS, published: 0.9 }),
  ]);
}

function slowdown(
  candidateSlower: number,
  speed: number,
  { knownSeconds, published }: Pick<Line, "published"> & Pick<VisitorModel, "knownSeconds">,
): Line {
  const known =
    knownSeconds === null
      ? "own speeds not asked"
      : knownSeconds === 0
        ? "nobody known before"
        : "known for 20 minutes";
  return {
    name: `${candidateSlower}x as slow, 100/s, 20 minutes, speeds differ by ${speed}, ${known}`,
    forecast: forecastOf(
      trafficOf({ speed, knownSeconds }, { latency: { ...LATENCY, candidateSlower } }),
      SECONDS,
      usual,
      null,
    ),
    runs: 400,
    published,
    isLeast: true,
  };
}
