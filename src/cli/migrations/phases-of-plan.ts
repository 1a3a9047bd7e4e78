import { phaseGaps } from "../../core/migration/phase-gap.ts";
import { MIGRATION_PHASES, type MigrationPhase } from "../../core/plan/database.ts";
import type { Plan } from "../../core/plan/plan.ts";
import type { MigrationProblem, MigrationStatus } from "../../ports/migrations.ts";

/** What the steps of a plan run. */
export function phasesOf({ steps }: Plan): ReadonlySet<MigrationPhase> {
  return new Set(
    steps.flatMap((step) => (step.kind !== "migrate" ? [] : step.what === "all" ? MIGRATION_PHASES : [step.what])),
  );
}

/** What the steps leave out. Into an empty database every file goes in its turn, whatever its phase. */
export function gapsOf(
  { applied, pending }: Pick<MigrationStatus, "applied" | "pending">,
  plan: Plan,
): ReturnType<typeof phaseGaps> {
  return applied.length === 0 ? [] : phaseGaps(plan, pending);
}

/** Whether no step comes upon a problem: of a file that none runs, an assertion misses nothing. */
export function isMetByNoStep(
  { code, file }: MigrationProblem,
  { pending }: Pick<MigrationStatus, "pending">,
  plan: Plan,
): boolean {
  const phases = phasesOf(plan);
  return code === "migration-assertion-lost" && pending.some((each) => each.file === file && !phases.has(each.phase));
}
