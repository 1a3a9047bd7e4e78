import type { Guard } from "../plan/guard.ts";
import type { Plan, StepOf } from "../plan/plan.ts";
import { SECOND } from "../time/time.ts";
import { type Share, WHOLE } from "../traffic/share.ts";
import { type Catch, catchesOf, type SeenTraffic, type SharedFor } from "./catches.ts";
import { ERROR_TOLERANCE } from "./guards.ts";
import { weaknessOf, type WeakStep } from "./stronger.ts";

/** What a share below 100 % would catch in the traffic that was seen. */
export interface StepPower {
  /** The step's id and name. */
  readonly step: string;
  readonly name: string;
  readonly share: Share;
  /** As long as it lasts at most. */
  readonly seconds: number;
  /** Requests a second, of both versions. */
  readonly rps: number;
  readonly catches: readonly Catch[];
  readonly weak: WeakStep | null;
}

/** By share, in the order of the plan. */
export function powerOf({ steps }: Plan, seen: SeenTraffic): readonly StepPower[] {
  const shares = steps.filter(
    (step): step is StepOf<"shift"> => step.kind === "shift" && step.share < WHOLE && step.share > 0,
  );
  const plannedSeconds = shares.reduce((sum, step) => sum + secondsOf(step), 0);
  return shares.map((step): StepPower => {
    const seconds = secondsOf(step);
    const shared: SharedFor = {
      share: step.share / WHOLE,
      seconds,
      plannedSeconds,
      errorTolerance: toleranceOf(step.guards),
    };
    return {
      step: step.id,
      name: step.name,
      share: step.share,
      seconds,
      rps: seen.rps,
      catches: catchesOf(seen, shared),
      weak: weaknessOf(seen, shared),
    };
  });
}

function secondsOf({ hold }: StepOf<"shift">): number {
  return (hold.kind === "for" ? hold.ms : hold.boundMs) / SECOND;
}

/** What the plan says of errors in `x`, else what is usual. */
function toleranceOf(guards: readonly Guard[]): number {
  const written = guards
    .filter(({ metric }) => metric === "errors")
    .flatMap(({ limits }) => limits.rollback ?? [])
    .find(({ kind }) => kind === "relative");
  return written?.kind === "relative" && written.factor >= 1 ? written.factor : ERROR_TOLERANCE;
}
