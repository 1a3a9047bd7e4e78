/**
 * What judging costs: node bench/judge.ts [--json] [--quick]. Processor time of one guard's update, by kind of second, and how many
 * releases with five guards each one core judges once a second. Ends with 1 when a thousand releases do not fit into one core.
 */
import { compare, type Comparison, evidenceOf, NO_COMPARISON } from "../src/core/analysis/comparison.ts";
import type { CountedSecond } from "../src/core/analysis/counted-second.ts";
import { createRandom } from "../src/core/analysis/random.ts";
import { NO_OPEN_STRATA, together } from "../src/core/analysis/strata.ts";
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

const FIVE: Comparison = {
  ...ERRORS,
  guards: ["errors", "websockets", "p50", "p95", "p99"].map((id) => ({
    id,
    weight: 1 / GUARDS,
    tolerance: id.startsWith("p") ? 1 : 1.5,
  })),
};

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
  progress("a thousand releases");
  const all = spreadOf(rounds(millisecondsOfAll));
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

/** Of processor time, for one second of all releases: 100 requests a second each, 1 % bad, latencies by three quantiles. */
function millisecondsOfAll(): number {
  const random = createRandom(1);
  const counts = (part: number): CountedSecond => {
    const [n, nStable] = [random.poisson(5), random.poisson(95)];
    return { n, nStable, bad: random.binomial(n, part), badStable: random.binomial(nStable, part) };
  };
  const releases = Array.from({ length: RELEASES }, () => ({
    state: NO_COMPARISON,
    open: NO_OPEN_STRATA,
    counted: { errors: counts(0.01), websockets: counts(0.01), p50: counts(0.5), p95: counts(0.05), p99: counts(0.01) },
  }));
  const begun = process.cpuUsage();
  for (const release of releases) {
    const strata = together(release.open, release.counted);
    release.open = strata.open;
    release.state = compare(release.state, FIVE, strata.closed);
    if (Number.isNaN(evidenceOf(release.state, FIVE).logTotal)) throw new Error("The evidence is no number.");
  }
  const used = process.cpuUsage(begun);
  return (used.user + used.system) / 1_000;
}

function tell(
  updates: readonly ({ readonly name: string } & ReturnType<typeof spreadOf>)[],
  all: ReturnType<typeof spreadOf>,
): void {
  const isGood = all.median < GOAL_MS;
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
  const releases = Math.round((RELEASES * GOAL_MS) / all.median / 100) * 100;
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
      `${isGood ? "✔" : "✖"} ${RELEASES} releases with ${GUARDS} guards each take ${all.median.toFixed(0)} ms of a core's second (goal < ${GOAL_MS}): one core judges ${releases}`,
      "",
    ].join("\n"),
  );
}
