import { FaultError } from "../../core/fault.ts";
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

/** A later phase builds on what the earlier ones of the files before it have made. `pending`: in their order. */
export function refuseGaps(
  pending: readonly { readonly file: Pick<MigrationFile, "file" | "name" | "phase"> }[],
  phases: readonly MigrationPhase[],
): void {
  for (const [index, { file }] of pending.entries()) {
    if (!phases.includes(file.phase)) continue;
    const missing = pending
      .slice(0, index)
      .find(({ file: before }) => ORDER[before.phase] < ORDER[file.phase] && !phases.includes(before.phase));
    if (missing === undefined) continue;
    throw new FaultError({
      code: "migration-phase-missing",
      what: `${file.file} (${file.phase}) comes after ${missing.file.name} (${missing.file.phase}), which is not applied. Nothing was run.`,
      fix: `first: tidegate migrate up --phase ${missing.file.phase}; so that a release runs it, add \`- migrate: ${missing.file.phase}\` to its steps`,
    });
  }
}

const ORDER: Readonly<Record<MigrationPhase, number>> = { expand: 0, backfill: 1, contract: 2 };
