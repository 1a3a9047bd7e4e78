import type { Because, ReleaseEvent } from "../../core/release/event.ts";
import type { Release } from "../../core/release/release.ts";
import { statusOf } from "../../core/status/status.ts";
import type { StoredEvent } from "../../ports/journal.ts";
import { nameOf } from "./event-line.ts";

/**
 * What happened as one JSON document for a line of `--json`: always `type`, `release`, `seq` and `atMs`, then what
 * belongs to the type. Times in `…Ms`, shares in percent. null for what machines need not read either.
 */
export function eventJson(stored: StoredEvent, release: Release): Readonly<Record<string, unknown>> | null {
  const rest = details(stored.event, release);
  if (rest === null) return null;
  const { type, ...others } = rest;
  return { type, release: stored.release, seq: stored.seq, atMs: stored.at.wall, ...others };
}

type Details = { readonly type: string } & Readonly<Record<string, unknown>>;

function details(event: ReleaseEvent, release: Release): Details | null {
  switch (event.type) {
    case "planned":
      return {
        type: "release-planned",
        app: event.app,
        environment: event.environment,
        stable: event.stable,
        candidate: event.candidate,
        planHash: event.planHash,
        by: event.by,
        steps: event.plan.steps.map(({ id, name, kind }) => ({ id, name, kind })),
      };
    case "started":
      return { type: "release-started" };
    case "watch-checkpoint":
      return null;
    case "engine-took-over":
      return { type: "engine-took-over", epoch: event.epoch, awayMs: event.awayMs };
    case "step-started":
      return { type: "step-started", ...step(release, event.step), attempt: event.attempt };
    case "effect-requested":
      return { type: "effect-started", key: event.key, name: event.name, try: event.try, ...effect(event.effect) };
    case "effect-confirmed":
      return { type: "effect-confirmed", key: event.key, tookMs: event.tookMs, observed: event.observed };
    case "effect-failed":
      return { type: "effect-failed", key: event.key, tookMs: event.tookMs, fault: event.fault };
    case "verdict-changed":
      return { type: "verdict", ...step(release, event.step), ...event.verdict };
    case "held":
      return {
        type: "held",
        ...step(release, event.step),
        sharePercent: release.share / 100,
        needsPerson: event.needsPerson,
        ...because(event.because),
      };
    case "step-passed":
    case "step-failed":
      return { type: event.type, ...step(release, event.step), ...because(event.because) };
    case "hold-ended":
    case "contract-started":
    case "step-skipped":
    case "promoted":
    case "retried":
    case "approved":
    case "item-ticked": {
      const { type, step: id, ...rest } = event;
      return { type, ...step(release, id), ...rest };
    }
    case "paused":
    case "resumed":
    case "acknowledged":
      return { ...event };
    case "stepped-back":
      return {
        type: "stepped-back",
        ...step(release, event.to),
        fromStep: event.from,
        sharePercent: event.share / 100,
        by: event.by,
        ...because(event.because),
      };
    case "share-drifted":
      return {
        type: "share-drifted",
        wantedPercent: event.wanted / 100,
        foundPercent: event.found === null ? null : event.found / 100,
        sentence: event.sentence,
      };
    case "retirement-brought-forward":
      return { type: "retirement-brought-forward", forRelease: event.for };
    case "rollback-decided":
      return {
        type: "rollback-decided",
        fromSharePercent: (release.undo?.fromShare ?? 0) / 100,
        by: event.by,
        ...because(event.because),
      };
    case "emergency-noted-late": {
      const { id, outcome, fromShare, epoch, at, tookMs, by, because: why } = event.emergency;
      return {
        type: event.type,
        id,
        outcome,
        doneAtMs: at,
        tookMs: tookMs ?? null,
        fromSharePercent: fromShare / 100,
        epoch,
        by,
        ...because(why),
      };
    }
    case "rolled-back": {
      const { rollback } = statusOf(release, release.lastAt, null);
      return { type: "rolled-back", sentence: event.sentence, undone: rollback?.undone, evidence: rollback?.evidence };
    }
    case "went-live":
      return { type: "live", sharePercent: release.share / 100 };
    case "closed":
      return { type: "closed" };
    case "failed":
      return { type: "failed", fault: event.fault };
  }
}

function step(release: Release, id: string): { readonly step: string; readonly name: string; readonly number: number } {
  return { step: id, name: nameOf(release, id), number: release.plan.steps.findIndex((one) => one.id === id) + 1 };
}

function because({ kind, sentence, fault }: Because): Readonly<Record<string, unknown>> {
  return { because: kind, sentence, ...(fault === undefined ? {} : { fault }) };
}

/** Of an effect only what it is: what it needs besides lies in the plan. */
function effect(
  effect: Extract<ReleaseEvent, { type: "effect-requested" }>["effect"],
): Readonly<Record<string, unknown>> {
  return effect.kind === "share" ? { effect: effect.kind, sharePercent: effect.share / 100 } : { effect: effect.kind };
}
