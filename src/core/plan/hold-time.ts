import type { Duration } from "../time/time.ts";
import { WHOLE } from "../traffic/share.ts";
import type { Plan } from "./plan.ts";
import type { Hold } from "./step.ts";

/** As long as a share lasts at least. */
export function leastHoldMs(hold: Hold): Duration {
  return hold.kind === "for" ? hold.ms : hold.atLeastMs;
}

/** As long as a share is planned to last. Without a time of its own that is its bound. */
export function plannedHoldMs(hold: Hold): Duration {
  return hold.kind === "for" ? hold.ms : hold.boundMs;
}

/** Evidence is waited for so many times as long as was planned, before the plan or a person says what then. */
export const TIMES_WAITED = 2;

/** Watched time of all shifts below 100 %: what a comparison is planned for. */
export function plannedMs({ steps }: Pick<Plan, "steps">): Duration {
  return steps.reduce(
    (sum, step) => (step.kind === "shift" && step.share < WHOLE ? sum + plannedHoldMs(step.hold) : sum),
    0,
  );
}
