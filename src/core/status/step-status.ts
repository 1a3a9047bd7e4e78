import { leastHoldMs } from "../plan/hold-time.ts";
import type { Step, StepKind } from "../plan/step.ts";
import type { StepProgress } from "../release/release.ts";
import type { Moment } from "../time/time.ts";

/** One step of the plan, as far as it has come. */
export interface StepStatus {
  /** From 1. */
  readonly number: number;
  readonly id: string;
  readonly name: string;
  readonly kind: StepKind;
  readonly phase?: string;
  readonly state: "waiting" | "running" | "passed" | "skipped" | "failed";
  readonly attempt: number;
  /** Wall time from start to end, or until now. */
  readonly tookMs: number | null;
  /** What it takes by the plan, beside the work itself; null: until something happens. */
  readonly plannedMs: number | null;
  /** Of `shift` steps. */
  readonly sharePercent?: number;
  /** After it there is no rollback. */
  readonly isPointOfNoReturn?: true;
  /** A person went over it: its work was not done, or not as it should be. */
  readonly isPromotedPast?: true;
  readonly sentence?: string;
}

/** `index`: from 0; without `progress` it has yet to begin. */
export function stepStatus(step: Step, progress: StepProgress | undefined, index: number, now: Moment): StepStatus {
  const started = progress?.startedAt ?? null;
  const tookMs =
    started === null || progress === undefined || progress.state === "waiting"
      ? null
      : Math.max(0, (progress.endedAt?.wall ?? now.wall) - started.wall);
  return {
    number: index + 1,
    id: step.id,
    name: step.name,
    kind: step.kind,
    state: progress?.state ?? "waiting",
    attempt: progress?.attempt ?? 0,
    tookMs,
    plannedMs: leastMs(step),
    ...(step.phase === undefined ? {} : { phase: step.phase.name }),
    ...(step.kind === "migrate" && step.what === "contract" ? { isPointOfNoReturn: true } : {}),
    ...(step.kind === "shift" ? { sharePercent: step.share / 100 } : {}),
    ...(progress?.state === "passed" && progress.because?.isPromotedPast === true ? { isPromotedPast: true } : {}),
    ...(progress?.because === null || progress?.because === undefined ? {} : { sentence: progress.because.sentence }),
  };
}

/** null: as long as people or a window take. */
function leastMs(step: Step): number | null {
  switch (step.kind) {
    case "shift":
      return leastHoldMs(step.hold);
    case "approve":
    case "check":
    case "window":
      return null;
    case "backup":
    case "migrate":
    case "start":
    case "smoke":
    case "warm":
    case "notify":
    case "run":
    case "retire":
      return 0;
  }
}
