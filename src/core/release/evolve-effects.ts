import { withCommandDone, withMigrated, withMigrationFailed } from "./begun.ts";
import type { EventOf, ReleaseEvent, Within } from "./event.ts";
import { withStep } from "./evolve-steps.ts";
import type { EffectProgress, Effects, Release } from "./release.ts";
import { WHOLE } from "../traffic/share.ts";
import type { Moment } from "../time/time.ts";

/** Changes those of one step, of the rollback, of the early retirement or of the messages. */
export function withEffects(release: Release, within: Within, change: (effects: Effects) => Effects): Release {
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

/** The effect that is asked for, by every name that it has. */
export function requestedEffects(event: EventOf<"effect-requested">, at: Moment): Effects {
  const { key, name, also = [], effect, inverse } = event;
  const requested: EffectProgress = {
    key,
    name,
    effect,
    inverse,
    state: "requested",
    try: event.try,
    requestedAt: at,
    endedAt: null,
    tookMs: null,
    observed: null,
    fault: null,
  };
  return Object.fromEntries([name, ...also].map((each) => [each, requested]));
}

/** Nobody performs any more what is open: the engine that did is gone. */
export function interruptOpenEffects(release: Release): Release {
  return mapEffects(release, (effect) => (effect.state === "requested" ? { ...effect, state: "interrupted" } : effect));
}

/** `ended`: null where no effect has this key, or it was confirmed before. */
export function endEffect(
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

/** The outside said that it is done; what the release knows of the outside follows from that. */
export function confirmed(
  release: Release,
  event: Extract<ReleaseEvent, { type: "effect-confirmed" }>,
  at: Moment,
): Release {
  const { release: next, ended } = endEffect(release, event.key, (effect) => ({
    ...effect,
    state: "confirmed",
    endedAt: at,
    tookMs: event.tookMs,
    observed: event.observed,
    fault: null,
  }));
  if (ended === null) return next;
  const { effect } = ended;
  const withReady = {
    ...next,
    steps: next.steps.map((step) => (hasKey(step.effects, event.key) ? { ...step, readyAt: at } : step)),
  };
  if (effect.kind === "share")
    return { ...withReady, share: effect.share, hasTwin: effect.twin === true, regain: null };
  if (effect.kind === "migrate") return { ...withReady, begun: withMigrated(next.begun, effect, event.observed) };
  const ran = effect.kind === "command" ? next.steps.find(({ effects }) => hasKey(effects, event.key)) : undefined;
  if (ran !== undefined) return { ...withReady, begun: withCommandDone(next.begun, ran.step) };
  if (effect.kind === "settle") {
    // One version is left: in the table the candidate has all of it or nothing.
    return {
      ...withReady,
      share: effect.on === "candidate" ? WHOLE : 0,
      hasTwin: false,
      standbyRetired: effect.on === "candidate" ? true : withReady.standbyRetired,
    };
  }
  return withReady;
}

/** The outside said that it is not done, or did not say what came of it. */
export function failed(release: Release, event: EventOf<"effect-failed">, at: Moment): Release {
  let wasRequested = false;
  const { release: next, ended } = endEffect(release, event.key, (effect) => {
    wasRequested = effect.state === "requested";
    return { ...effect, state: "failed", endedAt: at, tookMs: event.tookMs, fault: event.fault };
  });
  if (ended?.effect.kind !== "migrate") return next;
  // What is said of a try that counts as cut off already says nothing for sure.
  const isBeforehand = wasRequested && event.fault.isBeforehand === true;
  return { ...next, begun: withMigrationFailed(next.begun, isBeforehand) };
}

function hasKey(effects: Effects, wanted: string): boolean {
  return Object.values(effects).some(({ key }) => key === wanted);
}
