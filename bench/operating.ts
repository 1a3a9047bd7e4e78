/**
 * How often a healthy version is put back, and what is caught, in full: node bench/operating.ts [--json] [--quick]. The published
 * tables of the method again, by the program's own comparison. Ends with 1 when a figure is further from its table than chance
 * allows. `--quick` plays a tenth.
 */
import type { Comparison } from "../src/core/analysis/comparison.ts";
import { type Forecast, type ForecastResult, summarize } from "../src/core/forecast/forecast.ts";
import { comparisonOf, GUARD_WEIGHTS } from "../src/core/forecast/guards.ts";
import type { TrafficModel, VisitorModel } from "../src/core/forecast/traffic-model.ts";
import { runForecasts } from "../src/cli/simulate/run-forecasts.ts";
import { benchOptions, machine, machineLine, progress, table } from "./measure/output.ts";

const { json, quick } = benchOptions();
const MINUTE_SECONDS = 60;

const TRAFFIC: TrafficModel = {
  rps: 50,
  share: 0.05,
  stableErrors: 0.001,
  candidateErrors: 0.001,
  latency: null,
  bursts: null,
  load: null,
  visitors: null,
};

interface Line {
  readonly name: string;
  readonly forecast: Forecast;
  readonly runs: number;
  /** Of its table: what part of the runs; null: it is in none. */
  readonly published: number | null;
  /** It may be less. */
  readonly isBound?: true;
}

interface Played extends Line {
  readonly result: ForecastResult;
}

const LINES: readonly Line[] = [...falseRollbacks(), ...ofVisitors(), ...ofDefaults(), ...detections()];

const played: Played[] = [];
for (const [index, line] of LINES.entries()) {
  progress(`${index + 1} of ${LINES.length}: ${line.name}`);
  const runs = quick ? Math.ceil(line.runs / 10) : line.runs;
  const { signal } = new AbortController();
  const [caughtAt = []] = await runForecasts([line.forecast], { runs, seed: 1, signal, onProgress: () => undefined });
  played.push({ ...line, runs, result: summarize(caughtAt) });
}
progress("");
tell();

/** One guard with all of the weight and nothing tolerated, 30 minutes. */
function falseRollbacks(): readonly Line[] {
  const bursts = { everySeconds: 300, lastsSeconds: 20, errors: 0.2 };
  const seconds = 30 * MINUTE_SECONDS;
  return [20, 50, 200, 1_000].flatMap((rps, index): readonly Line[] => [
    {
      name: `healthy, ${rps}/s, 30 minutes`,
      forecast: forecastOf({ ...TRAFFIC, rps }, seconds, plain(seconds)),
      runs: 4_000,
      published: [0.0018, 0.0033, 0.0033, 0.004][index] ?? null,
    },
    {
      name: `healthy, ${rps}/s, bursts that hit both`,
      forecast: forecastOf({ ...TRAFFIC, rps, bursts }, seconds, plain(seconds)),
      runs: 4_000,
      published: [0.001, 0.0015, 0.0015, 0.0025][index] ?? null,
    },
  ]);
}

/** 100 requests a second, 5 %, 4 000 visitors of whom some always fail, 20 minutes. */
function ofVisitors(): readonly Line[] {
  const seconds = 20 * MINUTE_SECONDS;
  return [0.001, 0.005].flatMap((failing) =>
    [0, 60, 600].map((countOnceSeconds): Line => {
      const visitors: VisitorModel = { count: 4_000, activity: 1, bots: 0, failing, speed: 0, countOnceSeconds };
      return {
        name: `healthy, ${failing * 100} % of visitors always fail, ${countOnceSeconds === 0 ? "each request counts" : `once in ${countOnceSeconds} s`}`,
        forecast: forecastOf({ ...TRAFFIC, rps: 100, visitors }, seconds, plain(seconds)),
        runs: 1_000,
        // Only this way of counting promises anything; the others show why.
        published: countOnceSeconds === 600 ? 0.01 : null,
        isBound: true,
      };
    }),
  );
}

/** As the engine compares by default, in the traffic of --a-a. */
function ofDefaults(): readonly Line[] {
  const seconds = 10 * MINUTE_SECONDS;
  const visitors = { count: 2_000, activity: 1, bots: 0.001, failing: 0.001, speed: 0.5, countOnceSeconds: 600 };
  const traffic: TrafficModel = {
    ...TRAFFIC,
    latency: { stableP95Ms: 100, spread: 0.6, candidateSlower: 1, tolerance: 1.15 },
    bursts: { everySeconds: 300, lastsSeconds: 20, errors: 0.2 },
    load: { everySeconds: 600, lastsSeconds: 60, slower: 2, busier: 1.5 },
    visitors,
  };
  return [
    {
      name: "healthy, all defaults and all trouble at once, 10 minutes",
      forecast: forecastOf(traffic, seconds, comparisonOf(GUARD_WEIGHTS, 1.5, seconds)),
      runs: 1_000,
      published: 0.01,
      isBound: true,
    },
  ];
}

/** 50 requests a second, 5 %, 5 minutes. */
function detections(): readonly Line[] {
  const seconds = 5 * MINUTE_SECONDS;
  return [
    [0.005, 0.19],
    [0.01, 0.74],
    [0.02, 0.995],
    [0.05, 1],
  ].map(([errors = 0, caught = 0]): Line => ({
    name: `${errors * 100} % errors, 50/s, 5 minutes`,
    forecast: forecastOf({ ...TRAFFIC, candidateErrors: errors }, seconds, plain(seconds)),
    runs: 2_000,
    published: caught,
  }));
}

function plain(plannedSeconds: number): Comparison {
  return comparisonOf({ errors: 1 }, 1, plannedSeconds);
}

function forecastOf(traffic: TrafficModel, seconds: number, comparison: Comparison): Forecast {
  return { traffic, seconds, comparison, tempering: 1 };
}

/** Within three and a half standard deviations of both simulations: the published one had some thousand runs. */
function isWithinChance({ published, isBound, runs, result: { caught } }: Played): boolean {
  if (published === null) return true;
  const part = Math.max(published, 2 / runs);
  const deviation = Math.sqrt(part * (1 - part) * (1 / runs + 1 / 2_000)) + 0.0005;
  const off = caught - published;
  return isBound === true ? off <= 3.5 * deviation : Math.abs(off) <= 3.5 * deviation;
}

function tell(): void {
  const isGood = played.every(isWithinChance);
  process.exitCode = isGood ? 0 : 1;
  if (json) {
    const lines = played.map((line) => ({
      name: line.name,
      published: line.published,
      isGood: isWithinChance(line),
      ...line.result,
    }));
    process.stdout.write(
      `${JSON.stringify({ type: "bench-operating", machine: machine(), isGood, lines }, null, 2)}\n`,
    );
    return;
  }
  const percent = (part: number | null): string => (part === null ? "" : `${Number((part * 100).toFixed(2))} %`);
  const rows = played.map((line) => {
    const { delaySeconds } = line.result;
    const delay =
      delaySeconds === null || line.name.startsWith("healthy") ? "" : `${delaySeconds.median} / ${delaySeconds.p95} s`;
    const table = `${line.isBound === true && line.published !== null ? "≤ " : ""}${percent(line.published)}`;
    return [
      `${isWithinChance(line) ? "✔" : "✖"} ${line.name}`,
      percent(line.result.caught),
      table,
      delay,
      String(line.runs),
    ];
  });
  process.stdout.write(
    [
      "Rolled back by comparison, by the program's own comparison on made-up traffic",
      machineLine(machine()),
      "",
      table(["", "rolled back", "published", "median / p95", "runs"], rows),
      "",
    ].join("\n"),
  );
}
