import { FaultError } from "../../core/fault.ts";
import type { VisitorModel } from "../../core/forecast/traffic-model.ts";
import { parseDuration, parseNumber, parsePercent } from "../../core/text/units.ts";
import { formatDuration, SECOND } from "../../core/time/time.ts";
import type { Invocation } from "../definition.ts";
import { givenText, valueOf, within } from "./reading.ts";

/** Requests of one run beyond which telling visitors apart would take minutes a run. */
const MOST_OF_VISITORS = 2e7;
/** Four weeks. */
const MOST_MS = 28 * 86_400 * SECOND;

const PART = within(parsePercent, { least: 0, most: 1, words: "a part of the visitors, `0%` to `100%`" });
const DEVIATION = within(parseNumber, { least: 0, most: 3, words: "a number from 0 to 3" });
const COUNT = within(parseNumber, { least: 0, most: 1e6, isWhole: true, words: "a whole number from 0 to 1000000" });
const ONCE = within(parseDuration, { least: 0, most: MOST_MS, words: "`0s` (each request counts) to `28d`" });
const KNOWN = within(parseDuration, { least: 0, most: MOST_MS, words: "`0s` (nobody is known) to `28d`" });

const OPTIONS = [
  "visitors",
  "activity",
  "bots",
  "always-failing",
  "always-slow",
  "own-speed",
  "known-for",
  "count-once",
] as const;

/** The step that they visit. */
export interface Visited {
  readonly rps: number;
  readonly seconds: number;
  /** Visitors of all kinds are the usual then. */
  readonly isHealthy: boolean;
}

/** Whether visitors are asked for by an option of theirs. */
export function areVisitorsAsked(invocation: Invocation): boolean {
  return OPTIONS.some((name) => givenText(invocation, name) !== undefined);
}

/** Reads the options of visitors; null: every request is somebody else's. What was not given is noted in `assumed`. Faults: usage. */
export function visitorsOf(
  invocation: Invocation,
  { rps, seconds, isHealthy }: Visited,
  assumed: string[],
): VisitorModel | null {
  const isAsked = areVisitorsAsked(invocation);
  const isTooMany = rps * seconds > MOST_OF_VISITORS;
  if (!isAsked && (!isHealthy || isTooMany)) return null;
  const usual = Math.round(Math.min(200_000, Math.max(200, rps * 40)));
  const count = valueOf(invocation, "visitors", COUNT, usual);
  const ofNobody = OPTIONS.find((name) => name !== "visitors" && givenText(invocation, name) !== undefined);
  if (count === 0 && ofNobody !== undefined)
    throw new FaultError({
      code: "usage",
      what: `--${ofNobody} says what visitors are like, and with --visitors 0 there are none.`,
      fix: "leave one of them out",
    });
  if (count === 0) return null;
  if (isTooMany)
    throw new FaultError({
      code: "usage",
      what: `To tell visitors apart each of ${(rps * seconds).toExponential(0)} requests a run would be played, which takes too long.`,
      fix: "leave the visitors' options out (--visitors 0), or ask for fewer requests (--rps) or a shorter step (--for)",
    });
  const part = isHealthy ? 0.001 : 0;
  const knownSeconds = valueOf(invocation, "known-for", KNOWN, 1_200 * SECOND) / SECOND;
  const model: VisitorModel = {
    count,
    activity: valueOf(invocation, "activity", DEVIATION, 1),
    bots: valueOf(invocation, "bots", PART, part),
    failing: valueOf(invocation, "always-failing", PART, part),
    slow: valueOf(invocation, "always-slow", PART, part),
    speed: valueOf(invocation, "own-speed", DEVIATION, 0.5),
    knownSeconds,
    countOnceSeconds: Math.round(valueOf(invocation, "count-once", ONCE, 600 * SECOND) / SECOND),
  };
  const taken: Readonly<Record<(typeof OPTIONS)[number], string | null>> = {
    visitors: String(count),
    activity: String(model.activity),
    bots: percentOrNone(model.bots),
    "always-failing": percentOrNone(model.failing),
    "always-slow": percentOrNone(model.slow),
    "own-speed": String(model.speed),
    "known-for": formatDuration(knownSeconds * SECOND),
    // The engine counts so, and nobody needs to ask.
    "count-once": null,
  };
  for (const [name, value] of Object.entries(taken))
    if (value !== null && givenText(invocation, name) === undefined) assumed.push(`--${name} ${value}`);
  return model;
}

function percentOrNone(part: number): string | null {
  return part === 0 ? null : `${Number((part * 100).toPrecision(6))}%`;
}
