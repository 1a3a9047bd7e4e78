import { currentStatus } from "./current-status.ts";
import { isHolding, isWithoutEvidence } from "../decide/hold.ts";
import { daysBeforeOf } from "../analysis/evidence/tested-limits.ts";
import { guardId, isActedOn, type Verdict } from "../plan/guard.ts";
import type { Step } from "../plan/step.ts";
import { currentStep, isEnded, type Release } from "../release/release.ts";
import type { Instant, Moment } from "../time/time.ts";

/** When the figures that a release's sentence has by its journal were written down; null: it has none. */
export function figuresAt(release: Release, now: Moment): Instant | null {
  const current = currentStep(release);
  if (current === null || isEnded(release) || release.undo !== null || release.paused !== null) return null;
  const { hold } = release;
  if (hold !== null) return hold.because.verdict === undefined ? null : hold.at.wall;
  const { waitsFor } = currentStatus(release, current.step, current.progress, now);
  if (!isCompared(release, current.step) || waitsFor === "effect" || waitsFor === "start-time") return null;
  const telling = tellingVerdict(release);
  return telling === null ? null : (release.verdictsAt[guardId(telling)]?.wall ?? null);
}

/** Whether what a step shows is held against something: a version that serves beside, or what did on another day. */
export function isCompared({ stable }: Pick<Release, "stable">, step: Step): boolean {
  return step.kind === "shift" && (stable !== null || step.guards.some((guard) => daysBeforeOf(guard) !== null));
}

/** Of all verdicts the one that says the most of why the release is where it is; null: there are none yet. */
export function tellingVerdict(release: Release): Verdict | null {
  const verdicts = Object.values(release.verdicts);
  const acted = verdicts.filter(isActedOn);
  return (
    acted.find(isHolding) ??
    acted.find((verdict) => isWithoutEvidence(release, verdict)) ??
    acted.find(({ verdict }) => verdict !== "pass") ??
    acted[0] ??
    verdicts[0] ??
    null
  );
}
