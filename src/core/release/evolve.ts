import { guardId } from "../plan/guard.ts";
import type { Act, EventType, Happened, ReleaseEvent } from "./event.ts";
import { NOTHING_BEGUN, withContractStarted, withRequested } from "./begun.ts";
import { emergencyNoted } from "./evolve-emergency.ts";
import { confirmed, failed, interruptOpenEffects, requestedEffects, withEffects } from "./evolve-effects.ts";
import {
  drifted,
  indexOf,
  keepGood,
  openCommands,
  retried,
  steppedBack,
  withoutUnwatched,
  withStep,
} from "./evolve-steps.ts";
import type { Release } from "./release.ts";
import { WHOLE } from "../traffic/share.ts";
import type { Moment } from "../time/time.ts";

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
      return event.gathered === undefined ? next : { ...next, gathered: { ...event.gathered, at } };
    case "step-started":
      return {
        ...withStep(next, event.step, (step) => ({
          ...step,
          state: "running",
          attempt: event.attempt,
          startedAt: at,
          endedAt: null,
          effects: openCommands(step.effects),
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
      return withEffects({ ...next, begun: withRequested(next.begun, event) }, event.within, (effects) => ({
        ...effects,
        ...requestedEffects(event, at),
      }));
    case "effect-confirmed":
      return confirmed(next, event, at);
    case "effect-failed":
      return failed(next, event, at);
    case "contract-started":
      return { ...next, begun: withContractStarted(next.begun) };
    case "verdict-changed": {
      const { figures } = event.verdict;
      const id = guardId(event.verdict);
      const isKnown = figures.stable !== null && figures.nStable > 0 && next.share < WHOLE;
      return {
        ...next,
        verdicts: { ...next.verdicts, [id]: event.verdict },
        verdictsAt: { ...next.verdictsAt, [id]: at },
        baseline: isKnown ? { ...next.baseline, [id]: figures } : next.baseline,
      };
    }
    case "held":
      return {
        ...withoutUnwatched(next, at),
        hold: { step: event.step, because: event.because, needsPerson: event.needsPerson, at },
        holds: next.holds + (event.needsPerson && next.hold?.needsPerson !== true ? 1 : 0),
      };
    case "hold-ended":
      return { ...withoutUnwatched(next, at), hold: null };
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
    case "acknowledged": {
      const { by, reason, via } = event;
      const act = { by, at, ...(reason === undefined ? {} : { reason }), ...(via === undefined ? {} : { via }) };
      const mine = Object.fromEntries(event.alerts.map((alert) => [alert, act]));
      return { ...next, acknowledged: { ...mine, ...next.acknowledged } };
    }
    case "stepped-back":
      return steppedBack(next, event, at);
    case "retried":
      return retried(next, event.step);
    case "share-drifted":
      return drifted(next, event, at);
    case "retirement-brought-forward":
      return { ...next, followedBy: event.for, earlyRetirement: keepGood(next.earlyRetirement ?? {}) };
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
    case "emergency-noted-late":
      return emergencyNoted(next, event.emergency, at);
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
    hasTwin: false,
    regain: null,
    paused: null,
    hold: null,
    holds: 0,
    verdicts: {},
    verdictsAt: {},
    baseline: {},
    undo: null,
    messages: {},
    acknowledged: {},
    drifts: 0,
    fault: null,
    begun: NOTHING_BEGUN,
    standbyRetired: false,
    followedBy: null,
    earlyRetirement: null,
    gathered: null,
    begunAnew: 0,
    emergencies: [],
  };
}

function skippedSentence(act: Act): string {
  return `Skipped by ${act.by}${act.reason === undefined ? "" : `: ${act.reason}`}`;
}
