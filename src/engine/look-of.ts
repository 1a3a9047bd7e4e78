import { ALPHA } from "../core/analysis/evidence/bounds.ts";
import { loadNow, spansBefore } from "../core/analysis/evidence/day-before.ts";
import { shiftMoments } from "../core/analysis/evidence/visitor-shift.ts";
import type { Look } from "../core/analysis/look.ts";
import { isOfRequests } from "../core/plan/guard.ts";
import { plannedHoldMs, plannedMs, TIMES_WAITED } from "../core/plan/hold-time.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { Step } from "../core/plan/step.ts";
import type { Release, StepProgress } from "../core/release/release.ts";
import { type Moment, SECOND } from "../core/time/time.ts";
import { WHOLE } from "../core/traffic/share.ts";
import { comparedWith } from "./compared-with.ts";
import type { Probes } from "./probes.ts";
import { CLOSED_AFTER_SECONDS, secondSince } from "./seconds.ts";
import { seenOf } from "./seen-of.ts";
import type { Sources } from "./sources.ts";
import type { World } from "./world.ts";

/** What is asked for is known some looks later. */
const AHEAD_SECONDS = 15;
/** No row is older. */
const KNOWN_SECONDS = 15 * 60;

/** Where what the judge looks at comes from. */
export interface LookedAt {
  readonly world: World;
  readonly probes: Pick<Probes, "rounds">;
  readonly sources: Pick<Sources, "readings">;
}

/** When it looks, and at what. */
export interface LookOrder {
  readonly release: Release;
  readonly step: Step;
  readonly progress: StepProgress;
  /** First second that counts. */
  readonly from: number;
  /** The newest. */
  readonly second: number;
  /** The newest of the look before; -Infinity: there was none. */
  readonly secondBefore: number;
  /** Of each instance, when the step began. */
  readonly restartsBefore: Readonly<Record<string, number>>;
  readonly now: Moment;
}

/** What the judge is shown in one look. */
export function lookOf({ world, probes, sources }: LookedAt, order: LookOrder): Look {
  const { release, step, progress, from, second, secondBefore, restartsBefore, now } = order;
  const { plan } = release;
  return {
    judge: plan.judge,
    plannedMs: plannedMs(plan),
    moments: plannedMoments(plan),
    alpha: ALPHA / 2 ** release.begunAnew,
    guards: step.guards.filter((guard) => (isOfRequests(guard) ? release.share > 0 : runs(world, release))),
    candidate: release.candidate.version,
    ...comparedWith(release, seenOf(world), now.wall),
    rows: world.rows(),
    readings: sources.readings(),
    ...(plan.probes === undefined ? {} : { probes: { everyMs: plan.probes.everyMs, rounds: probes.rounds() } }),
    fromSecond: from,
    watchedBeforeMs: Math.max(0, progress.watchedBefore),
    toSecond: second - CLOSED_AFTER_SECONDS,
    sourceDown: world.sourceDown(),
    restartsBefore,
    baseline: plan.judge === 1 && release.share === WHOLE ? release.baseline : null,
    ...switched(world, release, now),
    ...remembered(world, step, Math.max(from, secondBefore), second, now),
  };
}

function runs(world: World, { candidate }: Release): boolean {
  return world.instances().some(({ version, slot }) => version === candidate.version && slot === candidate.slot);
}

/** Since when the candidate has all traffic. */
function switched(world: World, { plan, steps, share, cursor }: Release, now: Moment): Partial<Pick<Look, "switched">> {
  if (share !== WHOLE) return {};
  const last = plan.steps.findLastIndex(
    (step, index) => index <= cursor && step.kind === "shift" && step.share === WHOLE,
  );
  const readyAt = steps[last]?.readyAt ?? null;
  if (readyAt === null) return {};
  return { switched: { second: secondSince(world, readyAt, now), secondZero: secondZeroOf(world, now) } };
}

/** What is known of other days, where a guard of the step is held against one. */
function remembered(
  world: World,
  { guards }: Step,
  from: number,
  to: number,
  now: Moment,
): Partial<Pick<Look, "remembered">> {
  const secondZero = secondZeroOf(world, now);
  const first = Math.max(from, to - KNOWN_SECONDS) - CLOSED_AFTER_SECONDS;
  // The next one is there before it is needed.
  const spans = spansBefore(guards, secondZero + first * SECOND, secondZero + (to + AHEAD_SECONDS) * SECOND);
  if (spans.length === 0) return {};
  const load = loadNow(world.rows(), to - CLOSED_AFTER_SECONDS);
  return { remembered: { secondZero, load, ...world.otherDays(spans) } };
}

/** Wall time at which the data plane's seconds begin. */
function secondZeroOf(world: World, now: Moment): number {
  return now.wall - world.secondAgo(0) * SECOND;
}

/** Of all shares with a stable beside: each is waited for once more where it has shown too little. */
function plannedMoments({ steps }: Plan): number {
  return steps.reduce(
    (sum, step) =>
      step.kind === "shift" && step.share < WHOLE
        ? sum + shiftMoments((TIMES_WAITED * plannedHoldMs(step.hold)) / SECOND).length
        : sum,
    0,
  );
}
