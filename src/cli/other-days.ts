import { withoutFullStop } from "../core/text/plain-text.ts";
import { pastOf, spansBefore } from "../core/analysis/evidence/day-before.ts";
import { dayInWords, formatCount, inUtc } from "../core/analysis/figures.ts";
import { daysBeforeOf } from "../core/analysis/evidence/tested-limits.ts";
import { faultOf } from "../core/fault.ts";
import { type Guard, guardLabel } from "../core/plan/guard.ts";
import { plannedHoldMs } from "../core/plan/hold-time.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { StepOf } from "../core/plan/step.ts";
import { type Duration, HOUR, type Instant } from "../core/time/time.ts";
import type { PastTraffic } from "../core/traffic/past-traffic.ts";
import { KEEPS_NOTHING, KEEPS_NOTHING_YET } from "../engine/other-days.ts";
import type { Traffic } from "../ports/traffic.ts";

/** What is known of the other day that a guard of a step would be held against, if the release began now and waited for nobody. */
export interface OtherDay {
  /** The step's id and name. */
  readonly step: string;
  readonly name: string;
  /** `errors against the day before, 14:00-15:00 UTC (n = 36 000)`, or why not. */
  readonly sentence: string;
  readonly isKnown: boolean;
}

/** Of a step that lasts for days the first hours say whether there is anything. */
const LOOKED_AHEAD_MS: Duration = 2 * HOUR;

/** By step and guard, in the order of the plan. */
export async function otherDaysOf(plan: Plan, traffic: Traffic, now: Instant): Promise<readonly OtherDay[]> {
  const found: OtherDay[] = [];
  let begins = now;
  for (const step of plan.steps) {
    if (step.kind !== "shift") continue;
    const lasts = plannedHoldMs(step.hold);
    for (const guard of step.guards)
      found.push(
        ...(await ofGuard(guard, step, traffic, { now, begins, ends: begins + Math.min(lasts, LOOKED_AHEAD_MS) })),
      );
    begins += lasts;
  }
  return found;
}

interface When {
  readonly now: Instant;
  readonly begins: Instant;
  readonly ends: Instant;
}

async function ofGuard(
  guard: Guard,
  { id, name }: StepOf<"shift">,
  traffic: Traffic,
  { now, begins, ends }: When,
): Promise<readonly OtherDay[]> {
  const days = daysBeforeOf(guard);
  if (days === null) return [];
  // What is not over yet will be known by then.
  const spans = spansBefore([guard], begins, ends).filter(({ to }) => to <= now);
  const against = `${guardLabel(guard)} against ${dayInWords(days)}`;
  const missing = (why: string): readonly OtherDay[] => [
    { step: id, name, sentence: `${against}: ${why}`, isKnown: false },
  ];
  if (spans.length === 0) return [];
  let n = 0;
  for (const { from, to } of spans) {
    const past = await remembered(traffic, from, to);
    if (typeof past === "string") return missing(past);
    const mine = pastOf(guard, past);
    if (typeof mine === "string") return missing(mine);
    n += mine.n;
  }
  const when = inUtc({ from: spans[0]?.from ?? begins, to: spans.at(-1)?.to ?? ends });
  return [{ step: id, name, sentence: `${against}, ${when} (n = ${formatCount(n)})`, isKnown: true }];
}

async function remembered(traffic: Traffic, from: Instant, to: Instant): Promise<PastTraffic | string> {
  if (traffic.past === undefined) return KEEPS_NOTHING;
  try {
    // One that does not run has nothing to say, and is no fault before the first release.
    if ((await traffic.read()) === null) return "no data plane runs";
    return await traffic.past(from, to);
  } catch (error) {
    const { code, what } = faultOf(error, "traffic-unreachable", "The data plane can't be asked.");
    return code === "no-such-request" ? KEEPS_NOTHING_YET : withoutFullStop(what);
  }
}

/** What to know before of those that are not known. */
export function unknownDays(days: readonly OtherDay[]): readonly string[] {
  return days
    .filter(({ isKnown }) => !isKnown)
    .map(({ name, sentence }) => `"${name}" can't hold ${sentence}. It waits, and holds when twice its time is over.`);
}
