import { ALPHA } from "../analysis/evidence/bounds.ts";
import type { ComparedGuard } from "../analysis/evidence/comparison.ts";
import { comparesAlone } from "../analysis/evidence/tested-limits.ts";
import { type Guard, LATENCIES } from "../plan/guard.ts";
import { plannedHoldMs, plannedMs } from "../plan/hold-time.ts";
import type { Plan } from "../plan/plan.ts";
import type { StepOf } from "../plan/step.ts";
import { SECOND } from "../time/time.ts";
import { type Share, WHOLE } from "../traffic/share.ts";
import { type Catch, catchesOf, type SeenTraffic, type SharedFor } from "./catches.ts";
import { type Passing, passingOf } from "./passing.ts";
import { secondsOfProbes } from "./probing.ts";
import { weaknessOf, type WeakStep } from "./stronger.ts";
import type { ForecastGuard } from "./traffic-model.ts";

/** What a share below 100 % catches by comparison, in the traffic that was seen. */
export interface StepPower {
  /** The step's id and name. */
  readonly step: string;
  readonly name: string;
  readonly share: Share;
  /** As long as it lasts at most. */
  readonly seconds: number;
  /** Requests a second, of both versions. */
  readonly rps: number;
  /** The comparison is with stable's twin. */
  readonly hasTwin: boolean;
  /** Something of the traffic is compared, and rolls back by that alone. */
  readonly compares: boolean;
  readonly catches: readonly Catch[];
  readonly weak: WeakStep | null;
  /** null: the step demands no proof of a version's health. */
  readonly passing: Passing | null;
  /** Seconds until probes alone have shown that a version is good enough; null: the plan has none. */
  readonly probesSeconds: number | null;
}

/** By share, in the order of the plan. */
export function powerOf(plan: Plan, seen: SeenTraffic): readonly StepPower[] {
  const shares = plan.steps.filter(
    (step): step is StepOf<"shift"> => step.kind === "shift" && step.share < WHOLE && step.share > 0,
  );
  return shares.map((step): StepPower => {
    const seconds = plannedHoldMs(step.hold) / SECOND;
    const shared = { ...sharedFor(step, seconds, plannedMs(plan) / SECOND), hasTwin: plan.twin === true };
    const { guards } = shared.comparison;
    return {
      step: step.id,
      name: step.name,
      share: step.share,
      seconds,
      rps: seen.rps,
      compares: guards.length > 0,
      hasTwin: plan.twin === true,
      catches: catchesOf(seen, shared),
      weak: guards.some(({ id }) => id === "errors") ? weaknessOf(seen, shared) : null,
      passing: passingOf(step.guards, seen, shared),
      probesSeconds: secondsOfProbes(step.guards, plan.probes),
    };
  });
}

function sharedFor({ guards, share }: StepOf<"shift">, seconds: number, plannedSeconds: number): SharedFor {
  const compared = guards.flatMap((guard): { readonly guard: ComparedGuard; readonly factor: number }[] => {
    const factor = toleratedAlone(guard);
    const isLatency = guard.metric in LATENCIES;
    // How much of the traffic a feature has is not known.
    if (factor === null || guard.feature !== undefined || guard.weight === undefined) return [];
    if (guard.metric !== "errors" && !isLatency) return [];
    return [{ factor, guard: { id: guard.metric, weight: guard.weight, tolerance: isLatency ? 1 : factor } }];
  });
  return {
    share: share / WHOLE,
    // Until the last of them is looked at: rather too little than too much.
    seconds: Math.max(
      0,
      seconds - delaySeconds(guards.filter((guard) => compared.some(({ guard: { id } }) => id === guard.metric))),
    ),
    comparison: { guards: compared.map(({ guard }) => guard), alpha: ALPHA, plannedSeconds },
    latencyTolerance: Object.fromEntries(compared.map(({ guard, factor }) => [guard.id as ForecastGuard, factor])),
  };
}

function delaySeconds(guards: readonly Guard[]): number {
  return Math.max(0, ...guards.map(({ delayMs = 0 }) => delayMs / SECOND));
}

/** What of a comparison that rolls back by itself is tolerated; null: none does. */
function toleratedAlone(guard: Guard): number | null {
  const [only] = guard.limits.rollback ?? [];
  return comparesAlone(guard) && only?.kind === "relative" && only.factor >= 1 ? only.factor : null;
}
