import type { ReleaseEvent } from "./event.ts";
import { currentStep, type Effects, heldUnwatched, type Release, type StepProgress, watchedSoFar } from "./release.ts";
import type { Moment } from "../time/time.ts";

/** From 0. Throws where the plan has no such step: an event of another plan. */
export function indexOf(release: Release, step: string): number {
  const index = release.plan.steps.findIndex(({ id }) => id === step);
  if (index < 0) throw new Error(`The plan has no step "${step}".`);
  return index;
}

/** Changes one step. Throws where the plan has none of this id. */
export function withStep(release: Release, id: string, change: (step: StepProgress) => StepProgress): Release {
  const index = indexOf(release, id);
  return { ...release, steps: release.steps.map((step, at) => (at === index ? change(step) : step)) };
}

/** The lower step runs again as a new attempt, held until a person says to go on; the step above it waits its turn. */
export function steppedBack(
  release: Release,
  event: Extract<ReleaseEvent, { type: "stepped-back" }>,
  at: Moment,
): Release {
  const to = indexOf(release, event.to);
  const reset = release.steps.map((step, index) =>
    index <= to
      ? step
      : index > release.cursor
        ? step
        : {
            ...step,
            state: "waiting" as const,
            startedAt: null,
            endedAt: null,
            effects: openCommands(step.effects),
            readyAt: null,
            watchedBefore: 0,
            promoted: false,
            because: step.step === event.from ? event.because : step.because,
          },
  );
  const next: Release = {
    ...release,
    // It no longer holds all of the traffic.
    state: "running",
    liveAt: null,
    steps: reset,
    cursor: to,
    verdicts: {},
    hold: null,
    drifts: 0,
    gathered: null,
    begunAnew: release.begunAnew + 1,
  };
  return withStep(next, event.to, (step) => ({
    ...step,
    state: "running",
    attempt: step.attempt + 1,
    startedAt: at,
    endedAt: null,
    effects: {},
    readyAt: null,
    watchedBefore: 0,
    promoted: false,
    because: event.because,
  }));
}

/** Failed and uncertain effects of the step are forgotten, so that it asks for them again. */
export function retried(release: Release, id: string): Release {
  const next = {
    ...release,
    hold: null,
    fault: null,
    endedAt: release.state === "failed" ? null : release.endedAt,
    verdicts: {},
    drifts: 0,
    // What failed once is tried with fresh evidence, or it would fail at once.
    ...(isShift(release, id) ? { gathered: null, begunAnew: release.begunAnew + 1 } : {}),
  };
  const running: Release =
    release.state === "failed" ? { ...next, state: release.liveAt === null ? "running" : "live" } : next;
  if (running.undo !== null) return { ...running, undo: { ...running.undo, effects: keepGood(running.undo.effects) } };
  const isDrift = release.hold?.because.kind === "drift";
  return withStep(isDrift && !isShift(release, id) ? { ...running, regain: release.share } : running, id, (step) => ({
    ...step,
    state: step.state === "failed" ? "waiting" : step.state,
    because: null,
    ...(isDrift ? { readyAt: null } : {}),
    effects: isDrift ? withoutShare(keepGood(step.effects)) : keepGood(step.effects),
  }));
}

/** Without the time of a hold that ends now, in which nobody could watch: it does not count, also afterwards. */
export function withoutUnwatched(release: Release, at: Moment): Release {
  if (release.hold?.because.isUnwatched !== true) return release;
  return withStep(release, release.hold.step, (step) => ({
    ...step,
    watchedBefore: step.watchedBefore - heldUnwatched(release, step, at),
  }));
}

/** The share is asked for again. */
function withoutShare(effects: Effects): Effects {
  return Object.fromEntries(Object.entries(effects).filter(([, { effect }]) => effect.kind !== "share"));
}

function isShift(release: Release, id: string): boolean {
  return release.plan.steps.some((step) => step.id === id && step.kind === "shift");
}

/**
 * Commands that run still, or of which nobody knows whether they ran: a step that begins anew must not begin them a second
 * time, before they have ended or somebody has said that they may.
 */
export function openCommands(effects: Effects): Effects {
  return Object.fromEntries(
    Object.entries(effects).filter(
      ([, { effect, state }]) =>
        (effect.kind === "command" && (state === "requested" || state === "interrupted")) ||
        // A twin that still drains must not be given traffic again.
        (effect.kind === "stop" && effect.slot === "twin" && state === "requested"),
    ),
  );
}

/** What failed, or was interrupted, is forgotten, so that it is asked for again. */
export function keepGood(effects: Effects): Effects {
  return Object.fromEntries(Object.entries(effects).filter(([, effect]) => effect.state === "confirmed"));
}

/** The plane has another share than it confirmed: the newest share effect no longer holds and is asked for again. */
export function drifted(
  release: Release,
  { wanted, found, lostTwin }: Extract<ReleaseEvent, { type: "share-drifted" }>,
  at: Moment,
): Release {
  const current = currentStep(release);
  const share = found ?? release.share;
  const next = {
    ...release,
    drifts: release.drifts + 1,
    share,
    // Known to be gone until it is given again: the same is not found a second time.
    hasTwin: release.hasTwin && lostTwin !== true,
    regain: share === wanted ? null : wanted,
  };
  if (current === null) return next;
  return withStep(next, current.step.id, (step) => ({
    ...step,
    readyAt: null,
    // What was watched before it drifted was watched.
    watchedBefore: watchedSoFar(release, step, at),
    effects: withoutShare(step.effects),
  }));
}
