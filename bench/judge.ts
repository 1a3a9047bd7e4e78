/**
 * What judging costs: node bench/judge.ts [--json] [--quick]. Processor time of one guard's update, by kind of second, and how many
 * releases with five guards each one core judges once a second, with all that a look does: a minute and a quarter of an hour after the
 * step began. Ends with 1 when a thousand releases do not fit into one core.
 */
import { compare, type Comparison, evidenceOf, NO_COMPARISON } from "../src/core/analysis/evidence/comparison.ts";
import type { CountedSecond } from "../src/core/analysis/evidence/counted-second.ts";
import { bucketOf } from "../src/core/analysis/histogram.ts";
import { FRESH_JUDGE, judge } from "../src/core/analysis/judge.ts";
import type { Look } from "../src/core/analysis/look.ts";
import { createRandom, type Random } from "../src/core/analysis/statistics/random.ts";
import type { SecondRow } from "../src/core/observation.ts";
import type { Guard } from "../src/core/plan/guard.ts";
import { benchOptions, machine, machineLine, progress, table } from "./measure/output.ts";
import { spreadOf } from "./measure/statistics.ts";

const RELEASES = 1_000;
const GUARDS = 5;
/** A second of all releases may take so much of a core's. */
const GOAL_MS = 1_000;

const { json, quick } = benchOptions();
const ROUNDS = quick ? 5 : 15;
const ERRORS: Comparison = {
  guards: [{ id: "errors", weight: 0.5, tolerance: 1.5 }],
  alpha: 0.01,
  plannedSeconds: 3_600,
};

const PLAIN = { windowMs: 60_000, minRequests: 100, minEvents: 3, breaches: 3 };
const FIVE: readonly Guard[] = [
  { ...PLAIN, metric: "errors", limits: { rollback: [{ kind: "relative", factor: 1.5 }] }, weight: 0.4 },
  { ...PLAIN, metric: "websockets", limits: { rollback: [{ kind: "relative", factor: 1.5 }] }, weight: 0.1 },
  { ...PLAIN, metric: "p50", limits: { rollback: [{ kind: "relative", factor: 1.15 }] }, weight: 0.2 },
  { ...PLAIN, metric: "p95", limits: { rollback: [{ kind: "relative", factor: 1.15 }] }, weight: 0.3 },
  { ...PLAIN, metric: "p99", limits: { hold: [{ kind: "plain", value: 2_000 }] } },
];
/** As src/engine keeps them. */
const KEPT_SECONDS = 900;
/** Other traffic for every so many of the releases: made anew for each, the rows alone would take gigabytes. */
const TRAFFICS = 20;
const STEPS = [
  { name: "a minute", seconds: 60 },
  { name: "a quarter of an hour", seconds: 900 },
];

run();

function run(): void {
  const updates = [
    { name: "a quiet second: 1 000 requests, none bad", counted: second(50, 0, 950, 0), count: 200_000 },
    { name: "a second with 5 bad of 1 000", counted: second(50, 1, 950, 4), count: 20_000 },
    { name: "p50 at 1 000 a second: 500 slow", counted: second(50, 24, 950, 476), count: 2_000 },
    {
      name: "p50 at a million a second: half a million slow",
      counted: second(50_000, 25_000, 950_000, 475_000),
      count: 100,
    },
  ].map(({ name, counted, count }) => {
    progress(name);
    return { name, ...spreadOf(rounds(() => microsecondsEach(counted, quick ? Math.ceil(count / 10) : count))) };
  });
  const all = STEPS.map(({ name, seconds }) => {
    progress(`a thousand releases, ${name} after the step began`);
    return { name, ...spreadOf(millisecondsOfAll(seconds)) };
  });
  progress("");
  tell(updates, all);
}

function rounds(measure: () => number): readonly number[] {
  // What the compiler does to a loop that it sees for the first time is not what an engine pays.
  measure();
  return Array.from({ length: ROUNDS }, measure);
}

function second(n: number, bad: number, nStable: number, badStable: number): CountedSecond {
  return { n, bad, nStable, badStable };
}

/** Of processor time, for one guard and one second. */
function microsecondsEach(counted: CountedSecond, count: number): number {
  let state = NO_COMPARISON;
  const begun = process.cpuUsage();
  for (let index = 0; index < count; index += 1) state = compare(state, ERRORS, { errors: counted });
  const used = process.cpuUsage(begun);
  if (Number.isNaN(evidenceOf(state, ERRORS).logTotal)) throw new Error("The evidence is no number.");
  return (used.user + used.system) / count;
}

/** Of processor time, for one look at all releases, so many seconds after the step began; one figure a look. */
function millisecondsOfAll(seconds: number): readonly number[] {
  const random = createRandom(1);
  const looks = ROUNDS + 1;
  const traffics = Array.from({ length: TRAFFICS }, () => rowsOf(random, seconds + looks));
  const releases = Array.from({ length: RELEASES }, (_, index) => ({
    state: FRESH_JUDGE,
    rows: traffics[index % TRAFFICS] ?? [],
  }));
  // The seconds before: in one look, as an engine does that takes over.
  for (const release of releases) release.state = judge(release.state, lookAt(release.rows, seconds)).state;
  const times = Array.from({ length: looks }, (_, index) => {
    const begun = process.cpuUsage();
    for (const release of releases) {
      const { state, verdicts } = judge(release.state, lookAt(release.rows, seconds + index + 1));
      if (verdicts.length !== GUARDS) throw new Error(`${verdicts.length} of ${GUARDS} guards have a verdict.`);
      release.state = state;
    }
    const used = process.cpuUsage(begun);
    return (used.user + used.system) / 1_000;
  });
  return times.slice(1);
}

/** 100 requests a second, 5 % of them to the candidate, 1 % bad, latencies around 40 ms. */
function rowsOf(random: Random, seconds: number): readonly SecondRow[] {
  return Array.from({ length: seconds }, (_, index) =>
    [
      { version: "v2", mean: 5 },
      { version: "v1", mean: 95 },
    ].map(({ version, mean }) => {
      const requests = random.poisson(mean);
      const server = random.binomial(requests, 0.01);
      const latency: Record<number, number> = {};
      for (let n = 0; n < requests; n += 1) {
        const bucket = bucketOf(40 * Math.exp(0.5 * random.normal()));
        latency[bucket] = (latency[bucket] ?? 0) + 1;
      }
      return {
        second: index + 1,
        version,
        requests,
        status: { ok: requests - server, redirect: 0, client: 0, server, failed: 0 },
        latency,
        webSockets: { opened: random.poisson(mean / 10), failed: 0 },
        worst: [],
        mixed: false,
      };
    }),
  ).flat();
}

function lookAt(rows: readonly SecondRow[], second: number): Look {
  return {
    judge: 2,
    guards: FIVE,
    candidate: "v2",
    stable: "v1",
    // Two rows a second, of which an engine keeps a quarter of an hour.
    rows: rows.slice(Math.max(0, 2 * (second - KEPT_SECONDS)), 2 * second),
    fromSecond: 1,
    toSecond: second,
    sourceDown: null,
    instances: [],
    restartsBefore: {},
    watchedBeforeMs: 0,
    baseline: null,
    plannedMs: 3_600_000,
    moments: 14,
    alpha: 0.01,
  };
}

function tell(
  updates: readonly ({ readonly name: string } & ReturnType<typeof spreadOf>)[],
  all: readonly ({ readonly name: string } & ReturnType<typeof spreadOf>)[],
): void {
  const isGood = all.every(({ median }) => median < GOAL_MS);
  process.exitCode = isGood ? 0 : 1;
  if (json) {
    const document = {
      type: "bench-judge",
      machine: machine(),
      isGood,
      goalMs: GOAL_MS,
      microseconds: updates,
      releasesMs: all,
    };
    process.stdout.write(`${JSON.stringify(document, null, 2)}\n`);
    return;
  }
  const us = (value: number): string => `${value.toPrecision(3)} µs`;
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  process.stdout.write(
    [
      `Processor time of judging one guard for one second; median of ${ROUNDS} rounds`,
      machineLine(machine()),
      "",
      table(
        ["one guard", "median", "spread"],
        updates.map(({ name, median, least, most }) => [name, us(median), `${us(least)} – ${us(most)}`]),
      ),
      "",
      `${isGood ? "✔" : "✖"} ${RELEASES} releases with ${GUARDS} guards each, all looks of one second (goal < ${GOAL_MS} ms of a core)`,
      "",
      table(
        ["since the step began", "median", "spread"],
        all.map(({ name, median, least, most }) => [name, ms(median), `${ms(least)} – ${ms(most)}`]),
      ),
      "",
    ].join("\n"),
  );
}
