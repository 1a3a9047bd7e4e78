import type { Step } from "../plan/step.ts";
import {
  type EffectProgress,
  type Effects,
  type Release,
  type StepProgress,
  watchedSoFar,
} from "../release/release.ts";
import type { Moment } from "../time/time.ts";
import { windowAt } from "../time/window.ts";

/** The step that is due: what it does, what it waits for, and until when. */
export interface CurrentStatus {
  readonly step: string;
  readonly name: string;
  readonly number: number;
  /** What is being done: "start: waiting until ready"; null while it only watches or waits. */
  readonly doing: string | null;
  /** What it waits for says just now, in a sentence: only where an engine looks, and it takes longer than it usually does. */
  readonly seen?: string;
  readonly waitsFor: "effect" | "time" | "evidence" | "person" | "start-time";
  readonly sinceMs: number;
  /** Until the next decision by time; null: not by time. */
  readonly nextDecisionInMs: number | null;
}

/** Of the step at the release's cursor. */
export function currentStatus(release: Release, step: Step, progress: StepProgress, now: Moment): CurrentStatus {
  const open = openEffect(progress.effects);
  const base = {
    step: step.id,
    name: step.name,
    number: release.cursor + 1,
    sinceMs: (progress.startedAt ?? release.liveAt ?? now).wall,
  };
  if (progress.state === "waiting" && step.afterMs !== undefined && release.liveAt !== null) {
    return {
      ...base,
      doing: null,
      waitsFor: "start-time",
      nextDecisionInMs: Math.max(0, release.liveAt.wall + step.afterMs - now.wall),
    };
  }
  if (open !== null) return { ...base, doing: open.name, waitsFor: "effect", nextDecisionInMs: null };
  if (release.hold?.needsPerson === true || release.paused !== null)
    return { ...base, doing: null, waitsFor: "person", nextDecisionInMs: null };
  if (step.kind !== "shift")
    return {
      ...base,
      doing: null,
      waitsFor: step.kind === "approve" || step.kind === "check" ? "person" : "time",
      nextDecisionInMs: untilOpen(step, now),
    };
  const least = step.hold.kind === "for" ? step.hold.ms : step.hold.atLeastMs;
  // Its time stands still until the data plane can be asked again.
  if (release.hold?.because.isUnwatched === true)
    return { ...base, doing: null, waitsFor: "evidence", nextDecisionInMs: null };
  const left = least - watchedSoFar(release, progress, now);
  return { ...base, doing: null, waitsFor: left > 0 ? "time" : "evidence", nextDecisionInMs: left > 0 ? left : null };
}

/** null: nobody can tell, or it is no window. */
function untilOpen(step: Step, now: Moment): number | null {
  if (step.kind !== "window" || step.window.kind !== "times") return null;
  const { opensAt } = windowAt(step.window, now.wall);
  return opensAt === null ? null : opensAt - now.wall;
}

/** One that was interrupted is done by nobody: it is asked for again, or a person is. */
function openEffect(effects: Effects): EffectProgress | null {
  return Object.values(effects).find(({ state }) => state === "requested") ?? null;
}
