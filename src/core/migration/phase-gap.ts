import { MIGRATION_PHASES, type MigrationPhase } from "../plan/database.ts";
import type { Plan } from "../plan/plan.ts";

interface Pending {
  readonly file: string;
  readonly phase: MigrationPhase;
}

export interface PhaseGap {
  readonly code: "migration-phase-missing";
  readonly file: string;
  readonly what: string;
  readonly fix: string;
}

/**
 * The pending files of which a step would refuse what comes after them, because no step runs them until then; and the backfills that no
 * step runs at all: the new version would serve without what they fill. `pending`: in their order.
 */
export function phaseGaps({ steps }: Pick<Plan, "steps">, pending: readonly Pending[]): readonly PhaseGap[] {
  let left = pending;
  const gaps = new Map<string, PhaseGap>();
  for (const step of steps) {
    if (step.kind !== "migrate") continue;
    // Of `all` a pending contract is refused for itself.
    const phases: readonly MigrationPhase[] = step.what === "all" ? MIGRATION_PHASES : [step.what];
    for (const { missing, later } of gapsAmong(left, phases))
      if (!gaps.has(missing.file)) gaps.set(missing.file, gapOf(missing, later));
    left = left.filter(({ phase }) => !phases.includes(phase));
  }
  if (!steps.some(({ kind }) => kind === "migrate")) return [];
  for (const each of left) if (each.phase === "backfill" && !gaps.has(each.file)) gaps.set(each.file, neverRun(each));
  return [...gaps.values()];
}

/**
 * The migrations of these phases that come after one that is of an earlier phase and not among them: a later phase builds on what the earlier
 * ones of the files before it have made. `pending`: in their order.
 */
export function gapsAmong<P extends Pick<Pending, "phase">>(
  pending: readonly P[],
  phases: readonly MigrationPhase[],
): readonly { readonly missing: P; readonly later: P }[] {
  return pending.flatMap((later, index) => {
    if (!phases.includes(later.phase)) return [];
    const missing = pending
      .slice(0, index)
      .find(({ phase }) => !phases.includes(phase) && rank(phase) < rank(later.phase));
    return missing === undefined ? [] : [{ missing, later }];
  });
}

function rank(phase: MigrationPhase): number {
  return MIGRATION_PHASES.indexOf(phase);
}

function gapOf({ file, phase }: Pending, later: Pending): PhaseGap {
  return {
    code: "migration-phase-missing",
    file,
    what: `${file} (${phase}) is pending, and no step runs it before ${later.file} (${later.phase}), which comes after it.`,
    fix: `add \`- migrate: ${phase}\` to \`steps:\` before \`- migrate: ${later.phase}\``,
  };
}

function neverRun({ file, phase }: Pending): PhaseGap {
  return {
    code: "migration-phase-missing",
    file,
    what: `${file} (${phase}) is pending, and no step of the plan runs it.`,
    fix: `add \`- migrate: ${phase}\` to \`steps:\`; or run it before: tidegate migrate up --phase ${phase}`,
  };
}
