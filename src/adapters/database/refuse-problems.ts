import { FaultError } from "../../core/fault.ts";
import { gapsAmong } from "../../core/migration/phase-gap.ts";
import type { MigrationPhase } from "../../core/plan/database.ts";
import type { MigrationProblem } from "../../ports/migrations.ts";
import type { MigrationFile } from "./migration-file.ts";

/** Faults: the first problem's own, with the others as what was seen. */
export function refuseProblems(problems: readonly MigrationProblem[]): void {
  const [first, ...others] = problems;
  if (first === undefined) return;
  throw new FaultError({
    code: first.code,
    what: `${first.what} Nothing was run.`,
    ...(first.where === undefined ? {} : { where: first.where }),
    ...(others.length === 0 ? {} : { detail: others.map(({ what }) => what) }),
    fix: first.fix,
  });
}

/** Faults: migration-phase-missing. `pending`: in their order. */
export function refuseGaps(
  pending: readonly { readonly file: Pick<MigrationFile, "file" | "name" | "phase"> }[],
  phases: readonly MigrationPhase[],
): void {
  const [gap] = gapsAmong(
    pending.map(({ file }) => file),
    phases,
  );
  if (gap === undefined) return;
  const { missing, later } = gap;
  throw new FaultError({
    code: "migration-phase-missing",
    what: `${later.file} (${later.phase}) comes after ${missing.name} (${missing.phase}), which is not applied. Nothing was run.`,
    fix: `first: tidegate migrate up --phase ${missing.phase}; so that a release runs it, add \`- migrate: ${missing.phase}\` to its steps`,
  });
}
