import { FRESH_JUDGE, type JudgeState, judge, judgeNextStep } from "../core/analysis/judge.ts";
import type { Verdict } from "../core/plan/guard.ts";
import { trafficProfile } from "../core/time/quietest.ts";
import type { GatheredIn } from "../core/release/event.ts";
import { currentStep, isEnded, type Release } from "../core/release/release.ts";
import { whatItWaitsFor } from "../core/decide/hold.ts";
import type { Seen } from "../core/decide/seen.ts";
import type { NewestLook } from "../core/status/newest-look.ts";
import type { VersionFigures } from "../core/status/status.ts";
import { type Moment, MINUTE, SECOND } from "../core/time/time.ts";
import { windowAt } from "../core/time/window.ts";
import { fromJournal } from "./kept-evidence.ts";
import { lookOf } from "./look-of.ts";
import type { Probes } from "./probes.ts";
import { CLOSED_AFTER_SECONDS, secondSince } from "./seconds.ts";
import { seenOf } from "./seen-of.ts";
import type { Sources } from "./sources.ts";
import { versionFigures } from "./version-figures.ts";
import type { World } from "./world.ts";

/** Makes of the world what `decide` needs to know, for one release. Keeps the judge's state between two looks. */
export interface Watch {
  seen(release: Release, now: Moment): Seen;
  look(release: Release, now: Moment): NewestLook;
  figures(release: Release, now: Moment): readonly VersionFigures[] | null;
  /** What the judge has gathered, for the journal; null: nothing yet. */
  gathered(release: Release): GatheredIn | null;
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

  /** The newest second that had closed then, as long ago as either clock says: hours without an engine are hours all the same. */
  const newestIn = (at: Moment, now: Moment): number =>
    world.secondAgo(Math.max(now.watched - at.watched, now.wall - at.wall)) - CLOSED_AFTER_SECONDS;

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
      gathered: fromJournal(gathered.evidence, secondSince(world, gathered.at, now), newestIn(gathered.at, now)),
      step: {},
    };
    return gathered.step === step && gathered.attempt === attempt ? state : judgeNextStep(state);
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
    const from = secondSince(world, since, now) + 1;
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
    const look = lookOf(
      { world, probes, sources },
      {
        release,
        step,
        progress,
        from: next.from,
        second,
        secondBefore: judged.second,
        restartsBefore: next.restarts,
        now,
      },
    );
    judged = { ...next, ...judge(next.state, look) };
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
      return versionFigures(world, release, Math.max(to - MINUTE / SECOND + 1, secondSince(world, since, now) + 1), to);
    },
  };
}
