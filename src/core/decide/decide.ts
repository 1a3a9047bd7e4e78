import { isCommandDone } from "../release/begun.ts";
import { lateEvents, untold } from "../release/emergency.ts";
import type { ReleaseEvent } from "../release/event.ts";
import { fullStop } from "../text/plain-text.ts";
import { formatShare, type Share, WHOLE } from "../traffic/share.ts";
import type { Moment } from "../time/time.ts";
import { formatDuration } from "../time/time.ts";
import { keptFromContract } from "./database-recipe.ts";
import { decideMessages } from "./messages.ts";
import { standsFirst, type Step, type StepOf } from "../plan/step.ts";
import { guardId } from "../plan/guard.ts";
import { holdForTwin, twinMissing } from "./twin-hold.ts";
import type { NeedsReady } from "./ingredient.ts";
import { advance } from "./progress.ts";
import { leftDrift } from "./left-drift.ts";
import { driftSentence, isAsGiven, isLeft, lostShare, lostTwinOf } from "./lost-share.ts";
import { type Release, type StepProgress, currentStep, isEnded } from "../release/release.ts";
import { retireRecipe, routed, stepRecipe } from "./recipe.ts";
import { areReady, type Seen, readiness } from "./seen.ts";
import { decideUndo } from "./undo.ts";
import { endOfStep } from "./hold.ts";
import { failStep, hold } from "./react.ts";
import { startedAgain } from "./started-again.ts";
import { watchForDanger } from "./danger.ts";

/**
 * The events that follow from what was seen at `now`; none while nothing has changed.
 * Pure: the caller appends them, performs the effects that they ask for, and asks again.
 */
export function decide(release: Release, seen: Seen, now: Moment): readonly ReleaseEvent[] {
  const events = decideRelease(release, seen, now);
  // What people are told never comes before what must be done.
  return events.length > 0 ? events : decideMessages(release, now);
}

function decideRelease(release: Release, seen: Seen, now: Moment): readonly ReleaseEvent[] {
  const [late] = untold(release, seen.emergencies);
  if (late !== undefined) return lateEvents(release, late);
  if (isEnded(release)) return release.earlyRetirement === null ? [] : retireEarly(release, now);
  if (release.undo !== null) return decideUndo(release, seen, now);
  if (release.earlyRetirement !== null && !release.standbyRetired) return retireEarly(release, now);
  switch (release.state) {
    case "planned":
      return [{ type: "started" }];
    case "running":
    case "live":
      return decideStep(release, seen, now);
    case "closed":
    case "rolled-back":
    case "failed":
      return [];
  }
}

/** A newer release waits for the slot. */
function retireEarly(release: Release, now: Moment): readonly ReleaseEvent[] {
  // What is put back needs its standby more than any release needs the slot.
  if (release.standbyRetired || release.undo !== null) return [];
  const effects = release.earlyRetirement ?? {};
  const next = advance(release.id, retireRecipe(release), effects, { kind: "early-retirement" }, now, () => true);
  return next.kind === "request" ? next.events : [];
}

function decideStep(release: Release, seen: Seen, now: Moment): readonly ReleaseEvent[] {
  const current = currentStep(release);
  if (current === null) return release.state === "live" ? [{ type: "closed" }] : [{ type: "went-live" }];
  if (goesLive(release)) return [{ type: "went-live" }];
  const { step, progress } = current;
  if (progress.state === "skipped") return [{ type: "step-skipped", step: step.id, by: "tidegate" }];

  const anew = progress.state === "running" ? startedAgain(release, step, progress, seen, now.wall) : null;
  if (anew !== null) return anew;
  const lost = lostShare(release, step, progress, seen);
  if (lost !== null) return lost;
  const danger = watchForDanger(release, step, progress, seen, now);
  if (danger !== null) return danger;
  if (release.paused !== null) return [];
  if (progress.state === "waiting" || progress.state === "failed") return begin(release, step, progress, now);

  const changed = changedVerdicts(release, step, seen);
  if (changed.length > 0) return changed;
  const left = leftDrift(release, step, progress, seen);
  if (left !== null) return left;
  return work(release, step, progress, seen, now);
}

/** It is live when it has all traffic and its last watched step has passed. */
function goesLive(release: Release): boolean {
  if (release.state !== "running") return false;
  const last = release.plan.steps.findLastIndex(({ kind }) => kind === "shift");
  return last >= 0 && release.cursor > last;
}

function begin(release: Release, step: Step, progress: StepProgress, now: Moment): readonly ReleaseEvent[] {
  // A failed step begins again only when a person says so (`retry` puts it back to waiting).
  if (progress.state === "failed") return isPromotedPast(step, progress) ? promotedPast(step) : [];
  if (step.afterMs !== undefined) {
    const due = (release.liveAt?.wall ?? Number.POSITIVE_INFINITY) + step.afterMs;
    if (now.wall < due) return [];
  }
  if (step.kind === "shift" && release.stable === null && step.share < WHOLE) {
    return [
      {
        type: "step-skipped",
        step: step.id,
        by: "tidegate",
        reason: "nothing serves yet, so there is nothing to share the traffic with",
      },
    ];
  }
  if (step.kind === "run" && isCommandDone(release.begun, step.id)) {
    return [
      {
        type: "step-skipped",
        step: step.id,
        by: "tidegate",
        reason: "it was run on the way to the share before the step back, and not undone since",
      },
    ];
  }
  return [{ type: "step-started", step: step.id, attempt: progress.attempt + 1 }];
}

/** A change of verdict is an event, its repetition is not. */
function changedVerdicts(release: Release, step: Step, seen: Seen): readonly ReleaseEvent[] {
  return seen.verdicts
    .filter((verdict) => {
      const before = release.verdicts[guardId(verdict)];
      return before?.verdict !== verdict.verdict || before.level !== verdict.level;
    })
    .map((verdict) => ({ type: "verdict-changed", step: step.id, verdict }));
}

function work(release: Release, step: Step, progress: StepProgress, seen: Seen, now: Moment): readonly ReleaseEvent[] {
  if (release.plan.twin && isTwinLeaving(release)) return [];
  const kept = step.kind === "migrate" ? keptFromContract(release, step, seen) : null;
  if (kept !== null)
    return isPromotedPast(step, progress) ? promotedPast(step) : hold(release, step, !release.standbyRetired, kept);
  const within = { kind: "step", step: step.id, attempt: progress.attempt } as const;
  const isReady = (needed: NeedsReady): boolean => areReady(release, needed, seen, now.wall);
  const next = advance(release.id, stepRecipe(release, step), progress.effects, within, now, isReady);
  switch (next.kind) {
    case "request":
      // A share that is given again changes nothing about what is waited for.
      if (release.hold === null || release.regain !== null) return next.events;
      return [{ type: "hold-ended", step: step.id }, ...next.events];
    case "waiting":
      return [];
    case "not-ready":
      return waitUntilReady(release, step, seen, now);
    case "failed":
      if (isPromotedPast(step, progress)) return promotedPast(step);
      if (next.ingredient.ofTwin) return holdForTwin(release, step, next.ingredient.name, next.fault);
      return failStep(release, step, { kind: "effect", sentence: next.fault.what, fault: next.fault });
    case "uncertain":
      if (isPromotedPast(step, progress)) return promotedPast(step);
      return hold(release, step, true, {
        kind: "uncertain",
        sentence: `Nobody knows whether "${step.name}" was done: the engine that did it is gone. Look, then retry it or promote past it.`,
      });
    case "done":
      break;
  }
  const drift = step.kind === "shift" ? driftOf(release, step, seen) : null;
  if (drift !== null) return drift;
  return endOfStep(release, step, progress, seen, now);
}

/** Promoted, it ends as soon as what it does is done: where that fails, only what the rest can do without is left behind. */
function isPromotedPast(step: Step, { promoted }: StepProgress): boolean {
  return promoted && !standsFirst(step);
}

/** After a step back the twin of before may still drain: it would be stopped with the traffic that it is given again. */
function isTwinLeaving({ steps }: Release): boolean {
  return steps.some(({ effects }) =>
    Object.values(effects).some(
      ({ effect, state }) => effect.kind === "stop" && effect.slot === "twin" && state === "requested",
    ),
  );
}

function promotedPast(step: Step): readonly ReleaseEvent[] {
  const because = { kind: "person", sentence: "Promoted past it by a person.", isPromotedPast: true } as const;
  return [{ type: "step-passed", step: step.id, because }];
}

/** I1: no weight before readiness. It gets the time that a start gets, then the step fails. */
function waitUntilReady(release: Release, step: Step, seen: Seen, now: Moment): readonly ReleaseEvent[] {
  const { ready: isReady, sentence } = readiness(release, "candidate", seen, now.wall);
  const bound = Math.max(...routed(release).map(({ startMs }) => startMs));
  const waited = now.watched - release.waitsSince.watched;
  if (waited < bound) return [];
  if (isReady) return hold(release, step, true, { kind: "no-data", sentence: twinMissing(release, seen, now.wall) });
  return failStep(release, step, {
    kind: "not-ready",
    sentence: `No traffic for ${release.candidate.label}: ${sentence}, for ${formatDuration(waited)}.`,
  });
}

/** Of several load balancers one that is away is enough, so it is named. */
function unknownShare(share: Share, away: readonly string[] = []): string {
  const sentence = `The data plane can't be asked, so nobody knows whether it still gives ${formatShare(share)}.`;
  return [sentence, ...away.map(fullStop)].join(" ");
}

/** I2: the data plane's own answer must equal what was asked, at the end of a step too. */
function driftOf(release: Release, step: StepOf<"shift">, seen: Seen): readonly ReleaseEvent[] | null {
  if (routed(release).length === 0) return null;
  const found = seen.traffic;
  if (found === null) {
    return hold(release, step, false, {
      kind: "no-data",
      sentence: unknownShare(step.share, seen.away),
      isUnwatched: true,
    });
  }
  if (isAsGiven(release, found, step.share) || isLeft(release, found)) return null;
  return [
    {
      type: "share-drifted",
      wanted: step.share,
      found: found.share,
      ...lostTwinOf(release, found),
      sentence: driftSentence(step.share, found),
    },
  ];
}
