import { comparisonOf, ERROR_TOLERANCE, LATENCY_TOLERANCE } from "../../core/forecast/guards.ts";
import type { Forecast } from "../../core/forecast/forecast.ts";
import type { BurstModel, LatencyModel, LoadModel, TrafficModel } from "../../core/forecast/traffic-model.ts";
import { FaultError } from "../../core/fault.ts";
import {
  misread,
  parseDuration,
  parseNumber,
  parsePercent,
  parseShare,
  parseTimes,
  type Parsed,
  parsed,
} from "../../core/text/units.ts";
import { SECOND } from "../../core/time/time.ts";
import { WHOLE } from "../../core/traffic/share.ts";
import { type Invocation, isGiven } from "../definition.ts";
import { givenText, valueOf, within } from "./reading.ts";
import { visitorsOf } from "./visitors.ts";
import { guardWeights } from "./weights.ts";

/** What is asked: a step, and its traffic with what is wrong with the candidate in it. */
export interface SimulatedStep {
  readonly forecast: Forecast;
  /** The options that say what is wrong with the candidate were given. */
  readonly hasFault: boolean;
  /** Options whose usual value was taken, as they would be written. */
  readonly assumed: readonly string[];
}

const USUAL = { rps: "50", weight: "5%", for: "10m" } as const;
/** Four weeks. */
const MOST_SECONDS = 28 * 86_400;

/** Reads the options of a step. `isHealthy`: bursts, waves of load and visitors of all kinds are the usual then. Faults: usage. */
export function stepOf(invocation: Invocation, isHealthy: boolean): SimulatedStep {
  const assumed: string[] = [];
  const usual = <T>(name: keyof typeof USUAL, parse: (text: string) => Parsed<T>): T => {
    if (givenText(invocation, name) === undefined) assumed.push(`--${name} ${USUAL[name]}`);
    const read = parse(USUAL[name]);
    if (!read.ok) throw new Error(read.what);
    return valueOf(invocation, name, parse, read.value);
  };
  const rps = usual("rps", REQUESTS);
  const share = usual("weight", PARTIAL_SHARE) / WHOLE;
  const seconds = usual("for", STEP_SECONDS);
  const stableErrors = valueOf(invocation, "stable-errors", PART, 0.001);
  const hasFault = ["candidate-errors", "candidate-slower"].some((name) => givenText(invocation, name) !== undefined);
  if (hasFault && isHealthy) throw excluded("--a-a", "the candidate is as good as stable there");
  const latency = latencyOf(invocation, isHealthy || !hasFault, assumed);
  const traffic: TrafficModel = {
    rps,
    share,
    hasTwin: isGiven(invocation, "twin"),
    stableErrors,
    candidateErrors: valueOf(invocation, "candidate-errors", PART, stableErrors),
    latency,
    bursts: burstsOf(invocation, isHealthy),
    load: loadOf(invocation, isHealthy),
    visitors: visitorsOf(invocation, { rps, seconds, isHealthy }, assumed),
  };
  const errorTolerance = valueOf(invocation, "tolerance", TOLERANCE, ERROR_TOLERANCE);
  const comparison = comparisonOf(guardWeights(invocation), errorTolerance, seconds);
  const guards = latency === null ? comparison.guards.filter(({ id }) => id === "errors") : comparison.guards;
  const tempering = valueOf<number | null>(invocation, "tempering", TEMPERING, null);
  return { forecast: { traffic, seconds, comparison: { ...comparison, guards }, tempering }, hasFault, assumed };
}

const REQUESTS = within(parseNumber, {
  least: 0.001,
  most: 1e7,
  words: "the requests a second of both versions together, a number from 0.001 to 10000000",
});
const PARTIAL_SHARE = within(parseShare, {
  least: 0,
  most: WHOLE,
  isOpen: true,
  words: "a share above `0%` and below `100%`: with all or nothing of the traffic there is nothing to compare with",
});
const STEP_SECONDS = (text: string): Parsed<number> => {
  const read = within(parseDuration, { least: SECOND, most: MOST_SECONDS * SECOND, words: "`1s` to `28d`" })(text);
  return read.ok ? parsed(Math.round(read.value / SECOND)) : read;
};
const PART = within(parsePercent, { least: 0, most: 1, words: "a part of the requests, `0%` to `100%`" });
const FACTOR = within(parseTimes, { least: 0.01, most: 1_000, words: "`0.01x` to `1000x`" });
/** A factor up to which something is no fault. */
export const TOLERANCE = within(parseTimes, { least: 1, most: 100, words: "`1x` (nothing is tolerated) to `100x`" });
export const TEMPERING = within(parseNumber, { least: 0.001, most: 1, words: "a number from 0.001 to 1" });
const SPREAD = within(parseNumber, { least: 0.05, most: 3, words: "a number from 0.05 to 3" });
const MILLISECONDS = within(parseLatency, { least: 1, most: 3_600_000, words: "`1ms` to `1h`" });

/** Without its unit a latency means milliseconds, whatever else a duration may mean. */
function parseLatency(text: string): Parsed<number> {
  const bare = /^\d+(\.\d+)?$/.exec(text.trim())?.[0];
  return bare === undefined
    ? parseDuration(text)
    : misread(`\`${bare}\` has no unit.`, `Write \`${bare}ms\`, or \`${bare}s\` for seconds.`);
}

/** The usual latencies of an app of which nothing is known, where its load is a part of the question. */
const USUAL_P95_MS = 100;
const USUAL_SPREAD = 0.6;

/** `isWanted`: even where nothing is said of latencies. */
function latencyOf(invocation: Invocation, isWanted: boolean, assumed: string[]): LatencyModel | null {
  const isGiven = givenText(invocation, "stable-p95") !== undefined;
  if (!isGiven && givenText(invocation, "candidate-slower") !== undefined)
    throw new FaultError({
      code: "usage",
      what: "--candidate-slower needs to know how long stable takes.",
      fix: "add its p95: --stable-p95 92ms",
    });
  if (!isGiven && !isWanted) return null;
  if (!isGiven) assumed.push(`--stable-p95 ${USUAL_P95_MS}ms`);
  if (givenText(invocation, "latency-spread") === undefined) assumed.push(`--latency-spread ${USUAL_SPREAD}`);
  return {
    stableP95Ms: valueOf(invocation, "stable-p95", MILLISECONDS, USUAL_P95_MS),
    spread: valueOf(invocation, "latency-spread", SPREAD, USUAL_SPREAD),
    candidateSlower: valueOf(invocation, "candidate-slower", FACTOR, 1),
    tolerance: valueOf(invocation, "latency-tolerance", TOLERANCE, LATENCY_TOLERANCE),
  };
}

function burstsOf(invocation: Invocation, isHealthy: boolean): BurstModel | null {
  const errors = valueOf(invocation, "bursts", PART, isHealthy ? 0.2 : 0);
  return errors === 0 ? null : { everySeconds: 300, lastsSeconds: 20, errors };
}

function loadOf(invocation: Invocation, isHealthy: boolean): LoadModel | null {
  const slower = valueOf(invocation, "load", TOLERANCE, isHealthy ? 2 : 1);
  return slower === 1 ? null : { everySeconds: 600, lastsSeconds: 60, slower, busier: 1.5 };
}

function excluded(option: string, why: string): FaultError {
  return new FaultError({
    code: "usage",
    what: `${option} and a fault of the candidate exclude each other: ${why}.`,
    fix: "leave one of them out",
  });
}
