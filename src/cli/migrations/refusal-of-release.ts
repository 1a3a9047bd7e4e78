import type { Fault } from "../../core/fault.ts";
import { refusalOf } from "../../core/migration/refusal.ts";
import type { Plan } from "../../core/plan/plan.ts";
import type { PendingOfVersion } from "./pending-of-version.ts";
import { phasesOf } from "./phases-of-plan.ts";

/** Why a release would be refused for what it migrates, by what is pending now; null: nothing is in its way, or nobody knows. */
export function refusalOfRelease(plan: Plan, found: PendingOfVersion | null): Fault | null {
  if (found?.kind !== "known") return null;
  const [problem] = found.problems;
  if (problem !== undefined) return problem;
  if (plan.database?.lint === "warn") return null;
  const phases = phasesOf(plan);
  return refusalOf(
    found.pending.filter(({ phase }) => phases.has(phase)),
    (errors) => `This release would be refused when it migrates: ${errors}.`,
  );
}
