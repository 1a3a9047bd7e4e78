import { migratedIn } from "../core/decide/database-recipe.ts";
import { noWayBack } from "../core/decide/way-back.ts";
import type { Plan } from "../core/plan/plan.ts";
import { currentStep, isEnded, type Release } from "../core/release/release.ts";
import type { Context } from "./context.ts";
import { openReading, readRelease } from "./session.ts";

/** A release that has not ended, for whoever restores its database meanwhile. */
export interface ReleaseThatRuns {
  readonly release: number;
  readonly version: string;
  /** null: before its first. */
  readonly step: string | null;
  /** Files that it has applied. */
  readonly migrated: readonly string[];
  /** What that means for a restore, and what to do instead, in sentences. */
  readonly warning: string;
}

/** null: none runs of this app and environment. */
export async function releaseThatRuns(context: Context, plan: Plan): Promise<ReleaseThatRuns | null> {
  await using session = await openReading(context, context.project());
  if (session === null) return null;
  const open = new Set(await session.journal.open());
  const { app, environment } = plan;
  for (const id of await session.journal.releases({ app, environment })) {
    const release = open.has(id) ? await readRelease(session.journal, id) : null;
    if (release !== null && !isEnded(release)) return told(release);
  }
  return null;
}

const MOST_NAMES = 3;

function told(release: Release): ReleaseThatRuns {
  const { id, candidate, undo } = release;
  const step = currentStep(release)?.step.name ?? null;
  const migrated = [...new Set(migratedIn(release.steps).map(({ file }) => file))];
  const where = undo !== null ? "is being put back" : step === null ? "runs" : `runs, and is at the step "${step}"`;
  const goes =
    migrated.length === 0
      ? "What it migrates meanwhile goes."
      : `What it has migrated (${namesOf(migrated)}) goes, and the schema will be behind what a version that serves needs.`;
  return {
    release: id,
    version: candidate.version,
    step,
    migrated,
    warning: `Release ${id} of ${candidate.label} ${where}. ${goes} ${insteadOf(release)}`,
  };
}

function insteadOf(release: Release): string {
  if (release.undo !== null) return `Wait until it is: tidegate attach ${release.id}`;
  return noWayBack(release) === null
    ? `Roll it back first: tidegate rollback ${release.id}`
    : `It can't be rolled back any more, so let it end first: tidegate attach ${release.id}`;
}

function namesOf(files: readonly string[]): string {
  const more = files.length - MOST_NAMES;
  return `${files.slice(0, MOST_NAMES).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}
