import { loadNow, spansBefore } from "../core/analysis/evidence/day-before.ts";
import type { Look } from "../core/analysis/look.ts";
import { FRESH_JUDGE, type JudgeState, judge, judgeNextStep } from "../core/analysis/judge.ts";
import { ALPHA } from "../core/analysis/evidence/bounds.ts";
import { shiftMoments } from "../core/analysis/evidence/visitor-shift.ts";
import { isOfRequests, type Verdict } from "../core/plan/guard.ts";
import { trafficProfile } from "../core/time/quietest.ts";
import { plannedHoldMs, plannedMs, TIMES_WAITED } from "../core/plan/hold-time.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { Step } from "../core/plan/step.ts";
import type { GatheredIn } from "../core/release/event.ts";
import { currentStep, isEnded, type Release, type StepProgress } from "../core/release/release.ts";
import { whatItWaitsFor } from "../core/decide/hold.ts";
import type { Seen } from "../core/decide/seen.ts";
import type { NewestLook } from "../core/status/newest-look.ts";
import { WHOLE } from "../core/traffic/share.ts";
import type { VersionFigures } from "../core/status/status.ts";
import { type Moment, MINUTE, SECOND } from "../core/time/time.ts";
import { windowAt } from "../core/time/window.ts";
import { fromJournal } from "./kept-evidence.ts";
import { comparedWith } from "./compared-with.ts";
import type { Probes } from "./probes.ts";
import type { Sources } from "./sources.ts";
import { versionFigures } from "./version-figures.ts";
import type { World } from "./world.ts";

/** Seconds are closed this long after they ended (design/engine.md, Observations). */
const CLOSED_AFTER_SECONDS = 2;

/** What is asked for is known some looks later. */
const AHEAD_SECONDS = 15;
/** No row is older. */
const KNOWN_SECONDS = 15 * 60;

/** Makes of the world what `decide` needs to know, for one release. Keeps the judge's state between two looks. */
export interface Watch {
  seen(release: Release, now: Moment): Seen;
  look(release: Release, now: Moment): NewestLook;
  figures(release: Release, now: Moment): readonly VersionFigures[] | null;
  /** What the judge has gathered, for the journal; null: nothing yet. */
  gathered(release: Release): GatheredIn | null;
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

type GatheredPlace = Pick<GatheredIn, "step" | "attempt">;

/** What is kept between two looks of one try of a step. */
interface Judging {
  readonly key: string;
  /** The one of the newest look. */
  readonly second: number;
  readonly state: JudgeState;
  /** First second that counts. */
  readonly from: number;
  readonly restarts: Readonly<Record<string, number>>;
  readonly verdicts: readonly Verdict[];
  readonly stableVerdicts: readonly Verdict[];
  /** Of the release: how often the comparison had begun anew. */
  readonly begunAnew: number;
  readonly step: string;
  readonly attempt: number;
}

/** For one release. */
export function createWatch(
  world: World,
  probes: Pick<Probes, "rounds">,
  sources: Pick<Sources, "readings">,
  otherRuns: () => number | null,
): Watch {
  let judged: Judging | null = null;

  const runs = ({ candidate }: Release): boolean =>
    world.instances().some(({ version, slot }) => version === candidate.version && slot === candidate.slot);

  /** By watched time, which no clock that is set can shift: rather too late than too early. */
  const secondSince = (moment: Moment, now: Moment): number => world.secondAgo(now.watched - moment.watched);

  /** The newest second that had closed then, as long ago as either clock says: hours without an engine are hours all the same. */
  const newestIn = (at: Moment, now: Moment): number =>
    world.secondAgo(Math.max(now.watched - at.watched, now.wall - at.wall)) - CLOSED_AFTER_SECONDS;

  /** Since when the candidate has all traffic. */
  const switched = ({ plan, steps, share, cursor }: Release, now: Moment): Partial<Pick<Look, "switched">> => {
    if (share !== WHOLE) return {};
    const last = plan.steps.findLastIndex(
      (step, index) => index <= cursor && step.kind === "shift" && step.share === WHOLE,
    );
    const readyAt = steps[last]?.readyAt ?? null;
    if (readyAt === null) return {};
    const secondZero = now.wall - world.secondAgo(0) * SECOND;
    return { switched: { second: secondSince(readyAt, now), secondZero } };
  };

  /** What speaks against the candidate goes on from step to step, and from engine to engine. */
  const stateOf = (release: Release, { step, attempt }: GatheredPlace, now: Moment): JudgeState => {
    // The share came back: the same step goes on.
    if (judged?.step === step && judged.attempt === attempt && judged.begunAnew === release.begunAnew)
      return { ...judged.state, breaches: {}, step: {} };
    if (judged !== null) return judged.begunAnew === release.begunAnew ? judgeNextStep(judged.state) : FRESH_JUDGE;
    const { gathered } = release;
    if (gathered === null) return FRESH_JUDGE;
    const state: JudgeState = {
      breaches: {},
      gathered: fromJournal(gathered.evidence, secondSince(gathered.at, now), newestIn(gathered.at, now)),
      step: {},
    };
    return gathered.step === step && gathered.attempt === attempt ? state : judgeNextStep(state);
  };

  const lookAt = (
    release: Release,
    { step, progress }: { readonly step: Step; readonly progress: StepProgress },
    { second, from, restarts }: Judging,
    now: Moment,
  ): Look => {
    const { plan } = release;
    return {
      judge: plan.judge,
      plannedMs: plannedMs(plan),
      moments: plannedMoments(plan),
      alpha: ALPHA / 2 ** release.begunAnew,
      guards: step.guards.filter((guard) => (isOfRequests(guard) ? release.share > 0 : runs(release))),
      candidate: release.candidate.version,
      ...comparedWith(release, seenOf(world), now.wall),
      rows: world.rows(),
      readings: sources.readings(),
      ...(plan.probes === undefined ? {} : { probes: { everyMs: plan.probes.everyMs, rounds: probes.rounds() } }),
      fromSecond: from,
      watchedBeforeMs: Math.max(0, progress.watchedBefore),
      toSecond: second - CLOSED_AFTER_SECONDS,
      sourceDown: world.sourceDown(),
      restartsBefore: restarts,
      baseline: plan.judge === 1 && release.share === WHOLE ? release.baseline : null,
      ...switched(release, now),
      ...remembered(step, Math.max(from, judged?.second ?? from), second, now),
    };
  };

  /** What is known of other days, where a guard of the step is held against one. */
  const remembered = ({ guards }: Step, from: number, to: number, now: Moment): Partial<Pick<Look, "remembered">> => {
    const secondZero = now.wall - world.secondAgo(0) * SECOND;
    const first = Math.max(from, to - KNOWN_SECONDS) - CLOSED_AFTER_SECONDS;
    // The next one is there before it is needed.
    const spans = spansBefore(guards, secondZero + first * SECOND, secondZero + (to + AHEAD_SECONDS) * SECOND);
    if (spans.length === 0) return {};
    const load = loadNow(world.rows(), to - CLOSED_AFTER_SECONDS);
    return { remembered: { secondZero, load, ...world.otherDays(spans) } };
  };

  const verdicts = (release: Release, now: Moment): Pick<Seen, "verdicts" | "stableVerdicts"> => {
    const current = currentStep(release);
    if (
      current === null ||
      current.progress.state !== "running" ||
      current.step.guards.length === 0 ||
      !world.isKnown()
    )
      return { verdicts: [], stableVerdicts: [] };
    const { step, progress } = current;
    // Before the share is in force there is nothing to judge but the processes.
    const since = step.kind === "shift" ? progress.readyAt : progress.startedAt;
    if (since === null) return { verdicts: [], stableVerdicts: [] };
    const key = `${step.id}/${progress.attempt}/${release.drifts}`;
    const second = world.secondAgo(0);
    const from = secondSince(since, now) + 1;
    if (judged?.key !== key) {
      const restarts = Object.fromEntries(world.instances().map((each) => [each.id, each.restarts]));
      judged = {
        key,
        second: Number.NEGATIVE_INFINITY,
        state: stateOf(release, { step: step.id, attempt: progress.attempt }, now),
        begunAnew: release.begunAnew,
        step: step.id,
        attempt: progress.attempt,
        from,
        restarts,
        verdicts: [],
        stableVerdicts: [],
      };
    }
    if (judged.second === second) return judged;
    // Two clocks are read, so it wavers by a second: evidence must not come and go with that. After a gap it is later.
    const next = { ...judged, second, from: from > judged.from + 1 ? from : judged.from };
    judged = { ...next, ...judge(next.state, lookAt(release, current, next, now)) };
    return judged;
  };

  const seen = (release: Release, now: Moment): Seen => {
    const step = currentStep(release)?.step;
    const window =
      step?.kind === "window"
        ? windowAt(step.window, now.wall, trafficProfile(world.hoursOfTraffic(), step.window.zone))
        : null;
    return {
      ...verdicts(release, now),
      ...seenOf(world),
      window,
      otherRuns: otherRuns(),
      emergencies: world.emergencies(),
    };
  };

  return {
    seen,
    gathered: (release) =>
      judged === null || judged.state.gathered.upTo === null || judged.begunAnew !== release.begunAnew
        ? null
        : { step: judged.step, attempt: judged.attempt, evidence: judged.state.gathered },
    look: (release, now) => {
      if (isEnded(release) || release.undo !== null) return { verdicts: [], waits: null };
      const newest = seen(release, now);
      return { verdicts: newest.verdicts, waits: whatItWaitsFor(release, newest, now) };
    },
    figures: (release, now) => {
      const to = world.secondAgo(0) - CLOSED_AFTER_SECONDS;
      const since = currentStep(release)?.progress.readyAt ?? release.startedAt ?? release.plannedAt;
      return versionFigures(world, release, Math.max(to - MINUTE / SECOND + 1, secondSince(since, now) + 1), to);
    },
  };
}

function seenOf(world: World): Pick<Seen, "instances" | "health" | "traffic" | "away"> {
  const away = world.traffic()?.away?.map(({ what }) => what);
  return {
    instances: world.instances(),
    health: world.health(),
    traffic: trafficSeen(world),
    ...(away === undefined ? {} : { away }),
  };
}

/** The table that is in force, and whether it still is what the engine gave; null: not known. */
function trafficSeen(world: World): Seen["traffic"] {
  const state = world.traffic();
  // Of several load balancers all must say so.
  if (state === null || state.away !== undefined) return null;
  const { table, returnedAt, endpoints } = state;
  return {
    stable: table?.stable?.version ?? null,
    candidate: table?.candidate?.version ?? null,
    share: table?.share ?? 0,
    ...(table?.twin === undefined ? {} : { hasTwin: true }),
    returnedByItself: returnedAt !== null,
    ejected: Object.entries(endpoints).flatMap(([id, { ejected }]) => (ejected ? [id] : [])),
  };
}
