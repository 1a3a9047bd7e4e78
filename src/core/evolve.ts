import type { Act, EventType, Happened, ReleaseEvent, Within } from "./event.ts";
import {
  currentStep,
  type EffectProgress,
  type Effects,
  type Release,
  type StepProgress,
  watchedSoFar,
} from "./release.ts";
import { WHOLE } from "./share.ts";
import type { Moment } from "./time.ts";

const BEGINS_ANEW: ReadonlySet<EventType> = new Set([
  "step-started",
  "stepped-back",
  "engine-took-over",
  "share-drifted",
  "retried",
]);

/** The state after one more event. Pure and total: an event that can't follow is a bug, and throws. */
export function evolve(release: Release | null, { event, at }: Happened): Release {
  if (event.type === "planned") {
    if (release !== null) throw new Error("A release is planned once.");
    return planned(event, at);
  }
  if (release === null) throw new Error(`A release begins with "planned", not "${event.type}".`);
  const next = { ...release, lastAt: at, waitsSince: BEGINS_ANEW.has(event.type) ? at : release.waitsSince };
  switch (event.type) {
    case "started":
      return { ...next, state: "running", startedAt: at };
    case "engine-took-over":
      return { ...interruptOpenEffects(next), epoch: event.epoch };
    case "watch-checkpoint":
      return next;
    case "step-started":
      return {
        ...withStep(next, event.step, (step) => ({
          ...step,
          state: "running",
          attempt: event.attempt,
          startedAt: at,
          endedAt: null,
          effects: {},
          readyAt: null,
          watchedBefore: 0,
          because: null,
          promoted: false,
        })),
        cursor: indexOf(next, event.step),
        verdicts: {},
        hold: null,
        drifts: 0,
      };
    case "effect-requested":
      return withEffects(next, event.within, (effects) => ({
        ...effects,
        [event.name]: {
          key: event.key,
          name: event.name,
          effect: event.effect,
          inverse: event.inverse,
          state: "requested",
          try: event.try,
          requestedAt: at,
          endedAt: null,
          tookMs: null,
          observed: null,
          fault: null,
        },
      }));
    case "effect-confirmed":
      return confirmed(next, event, at);
    case "effect-failed":
      return endEffect(next, event.key, (effect) => ({
        ...effect,
        state: "failed",
        endedAt: at,
        tookMs: event.tookMs,
        fault: event.fault,
      })).release;
    case "verdict-changed": {
      const { metric, figures } = event.verdict;
      const isKnown = figures.stable !== null && figures.nStable > 0 && next.share < WHOLE;
      return {
        ...next,
        verdicts: { ...next.verdicts, [metric]: event.verdict },
        baseline: isKnown ? { ...next.baseline, [metric]: figures } : next.baseline,
      };
    }
    case "held":
      return {
        ...next,
        hold: { step: event.step, because: event.because, needsPerson: event.needsPerson, at },
        holds: next.holds + (event.needsPerson && next.hold?.needsPerson !== true ? 1 : 0),
      };
    case "hold-ended":
      return { ...next, hold: null };
    case "step-passed":
    case "step-failed":
      return {
        ...withStep(next, event.step, (step) => ({
          ...step,
          state: event.type === "step-passed" ? "passed" : "failed",
          endedAt: at,
          because: event.because,
        })),
        cursor: event.type === "step-passed" ? indexOf(next, event.step) + 1 : next.cursor,
        hold: event.type === "step-passed" ? null : next.hold,
      };
    case "step-skipped":
      return {
        ...withStep(next, event.step, (step) => ({
          ...step,
          state: "skipped",
          endedAt: at,
          because: { kind: "person", sentence: skippedSentence(event) },
        })),
        // Only the step that is due moves the cursor; a later one is passed over when its turn comes.
        cursor: indexOf(next, event.step) === next.cursor ? next.cursor + 1 : next.cursor,
        hold: next.hold?.step === event.step ? null : next.hold,
      };
    case "approved":
      return withStep(next, event.step, (step) => ({
        ...step,
        approvals: [
          ...step.approvals,
          {
            by: event.by,
            planHash: event.planHash,
            version: event.version,
            at,
            ...(event.reason === undefined ? {} : { reason: event.reason }),
          },
        ],
      }));
    case "item-ticked":
      return withStep(next, event.step, (step) => ({
        ...step,
        ticks: { ...step.ticks, [event.item]: { by: event.by, detail: event.detail, at } },
      }));
    case "paused":
      return { ...next, paused: { by: event.by, at, ...(event.reason === undefined ? {} : { reason: event.reason }) } };
    case "resumed":
      return { ...next, paused: null };
    case "promoted":
      return { ...withStep(next, event.step, (step) => ({ ...step, promoted: true })), hold: null };
    case "stepped-back":
      return steppedBack(next, event, at);
    case "retried":
      return retried(next, event.step);
    case "share-drifted":
      return drifted(next, at);
    case "retirement-brought-forward":
      return { ...next, earlyRetirement: next.earlyRetirement ?? {} };
    case "rollback-decided":
      return {
        ...next,
        state: next.state === "planned" ? "running" : next.state,
        paused: null,
        hold: null,
        undo: {
          because: event.because,
          by: event.by,
          decidedAt: at,
          fromShare: next.share,
          wasLive: next.state === "live" || next.state === "closed",
          effects: {},
        },
      };
    case "rolled-back":
      return { ...next, state: "rolled-back", endedAt: at, share: 0, hold: null };
    case "went-live":
      return { ...next, state: "live", liveAt: at };
    case "closed":
      return { ...next, state: "closed", endedAt: at, hold: null };
    case "failed":
      return { ...next, state: "failed", endedAt: at, fault: event.fault };
  }
}

/** The state after a whole journal; null for an empty one. */
export function replay(history: Iterable<Happened>): Release | null {
  let release: Release | null = null;
  for (const happened of history) release = evolve(release, happened);
  return release;
}

function planned(event: Extract<ReleaseEvent, { type: "planned" }>, at: Moment): Release {
  return {
    id: event.release,
    app: event.app,
    environment: event.environment,
    plan: event.plan,
    planHash: event.planHash,
    stable: event.stable,
    candidate: event.candidate,
    offset: event.offset,
    by: event.by,
    state: "planned",
    plannedAt: at,
    startedAt: null,
    liveAt: null,
    endedAt: null,
    lastAt: at,
    waitsSince: at,
    epoch: 0,
    steps: event.plan.steps.map((step) => ({
      step: step.id,
      state: "waiting",
      attempt: 0,
      startedAt: null,
      endedAt: null,
      effects: {},
      readyAt: null,
      watchedBefore: 0,
      approvals: [],
      ticks: {},
      because: null,
      promoted: false,
    })),
    cursor: 0,
    share: 0,
    paused: null,
    hold: null,
    holds: 0,
    verdicts: {},
    baseline: {},
    undo: null,
    messages: {},
    drifts: 0,
    fault: null,
    standbyRetired: false,
    earlyRetirement: null,
  };
}

function skippedSentence(act: Act): string {
  return `Skipped by ${act.by}${act.reason === undefined ? "" : `: ${act.reason}`}`;
}

function indexOf(release: Release, step: string): number {
  const index = release.plan.steps.findIndex(({ id }) => id === step);
  if (index < 0) throw new Error(`The plan has no step "${step}".`);
  return index;
}

function withStep(release: Release, id: string, change: (step: StepProgress) => StepProgress): Release {
  const index = indexOf(release, id);
  return { ...release, steps: release.steps.map((step, at) => (at === index ? change(step) : step)) };
}

function withEffects(release: Release, within: Within, change: (effects: Effects) => Effects): Release {
  switch (within.kind) {
    case "step":
      return withStep(release, within.step, (step) => ({ ...step, effects: change(step.effects) }));
    case "undo":
      if (release.undo === null) throw new Error("Nothing is being undone.");
      return { ...release, undo: { ...release.undo, effects: change(release.undo.effects) } };
    case "early-retirement":
      return { ...release, earlyRetirement: change(release.earlyRetirement ?? {}) };
    case "message":
      return { ...release, messages: change(release.messages) };
  }
}

function mapEffects(release: Release, change: (effect: EffectProgress) => EffectProgress): Release {
  const each = (effects: Effects): Effects =>
    Object.fromEntries(Object.entries(effects).map(([name, effect]) => [name, change(effect)]));
  return {
    ...release,
    steps: release.steps.map((step) => ({ ...step, effects: each(step.effects) })),
    undo: release.undo === null ? null : { ...release.undo, effects: each(release.undo.effects) },
    messages: each(release.messages),
    earlyRetirement: release.earlyRetirement === null ? null : each(release.earlyRetirement),
  };
}

function interruptOpenEffects(release: Release): Release {
  return mapEffects(release, (effect) => (effect.state === "requested" ? { ...effect, state: "interrupted" } : effect));
}

function endEffect(
  release: Release,
  key: string,
  end: (effect: EffectProgress) => EffectProgress,
): { release: Release; ended: EffectProgress | null } {
  let ended: EffectProgress | null = null;
  const next = mapEffects(release, (effect) => {
    if (effect.key !== key || effect.state === "confirmed") return effect;
    ended = end(effect);
    return ended;
  });
  return { release: next, ended };
}

function confirmed(release: Release, event: Extract<ReleaseEvent, { type: "effect-confirmed" }>, at: Moment): Release {
  const { release: next, ended } = endEffect(release, event.key, (effect) => ({
    ...effect,
    state: "confirmed",
    endedAt: at,
    tookMs: event.tookMs,
    observed: event.observed,
    fault: null,
  }));
  if (ended === null) return next;
  const { effect } = ended as EffectProgress;
  const withReady = {
    ...next,
    steps: next.steps.map((step) =>
      Object.values(step.effects).some(({ key }) => key === event.key) ? { ...step, readyAt: at } : step,
    ),
  };
  if (effect.kind === "share") return { ...withReady, share: effect.share };
  if (effect.kind === "settle") {
    // One version is left: in the table the candidate has all of it or nothing.
    return {
      ...withReady,
      share: effect.on === "candidate" ? WHOLE : 0,
      standbyRetired: effect.on === "candidate" ? true : withReady.standbyRetired,
    };
  }
  return withReady;
}

/** The lower step runs again as a new attempt, held until a person says to go on; the step above it waits its turn. */
function steppedBack(release: Release, event: Extract<ReleaseEvent, { type: "stepped-back" }>, at: Moment): Release {
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
            effects: {},
            readyAt: null,
            watchedBefore: 0,
            promoted: false,
            because: step.step === event.from ? event.because : step.because,
          },
  );
  const next = { ...release, steps: reset, cursor: to, verdicts: {}, hold: null, drifts: 0 };
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
function retried(release: Release, id: string): Release {
  const next = {
    ...release,
    hold: null,
    fault: null,
    endedAt: release.state === "failed" ? null : release.endedAt,
    verdicts: {},
    drifts: 0,
  };
  const running: Release =
    release.state === "failed" ? { ...next, state: release.liveAt === null ? "running" : "live" } : next;
  const keepGood = (effects: Effects): Effects =>
    Object.fromEntries(Object.entries(effects).filter(([, effect]) => effect.state === "confirmed"));
  if (running.undo !== null) return { ...running, undo: { ...running.undo, effects: keepGood(running.undo.effects) } };
  return withStep(running, id, (step) => ({
    ...step,
    state: step.state === "failed" ? "waiting" : step.state,
    because: null,
    effects: keepGood(step.effects),
  }));
}

/** The plane has another share than it confirmed: the newest share effect no longer holds and is asked for again. */
function drifted(release: Release, at: Moment): Release {
  const current = currentStep(release);
  const next = { ...release, drifts: release.drifts + 1 };
  if (current === null) return next;
  return withStep(next, current.step.id, (step) => ({
    ...step,
    readyAt: null,
    // What was watched before it drifted was watched.
    watchedBefore: watchedSoFar(step, at),
    effects: Object.fromEntries(Object.entries(step.effects).filter(([, effect]) => effect.effect.kind !== "share")),
  }));
}
