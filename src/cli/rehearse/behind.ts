import { type Fault, faultOf } from "../../core/fault.ts";
import type { AppliedMigration, Migrations } from "../../ports/migrations.ts";
import type { Findings, RunningRehearsal } from "./running-rehearsal.ts";
import type { PartLog } from "./run-log.ts";

/**
 * Fails the part where production has migrations that the copy lacks: what would be rehearsed then is not what a release would do. Both are
 * only read. Of the revisions of a team's own tool nothing is compared.
 */
export async function refuseCopyBehind(running: RunningRehearsal, findings: Findings, part: PartLog): Promise<void> {
  const { production, context, plan } = running;
  const { database } = plan;
  const tool = database?.migrations;
  if (production.migrations === null || database === undefined || tool?.kind !== "files") return;
  const { folder } = production.project;
  const copy = await context.machinery.migrations({ database, folder, plan, env: context.env }, { tool });
  const begunAt = performance.now();
  const lacking = await lackingIn(copy, production.migrations, running).catch((error: unknown) => {
    const { what } = faultOf(error, "database-unreachable", "The database can't be asked.");
    findings.leftOut.push({ what: "whether the copy has production's migrations", why: what });
    return [];
  });
  if (lacking.length === 0) return;
  const step = "compared with production's migrations";
  part.add({ name: step, state: "failed", tookMs: Math.round(performance.now() - begunAt) });
  part.fail(step, behind(lacking));
}

async function lackingIn(
  copy: Migrations,
  production: Migrations,
  { production: { project }, signal }: RunningRehearsal,
): Promise<readonly AppliedMigration[]> {
  const at = { directory: project.folder, signal };
  const [here, there] = await Promise.all([copy.status(at), production.status(at)]);
  const known = new Set(here.applied.map(({ version }) => version));
  return there.applied.filter(({ version }) => !known.has(version));
}

function behind(lacking: readonly AppliedMigration[]): Fault {
  const names = lacking.map(({ file, version }) => file ?? version);
  const shown = names.slice(0, MOST_NAMES).join(", ");
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : "";
  return {
    code: "rehearsal-copy-behind",
    what: `The copy lacks ${shown}${more}, which production has: take a new backup (tidegate backup).`,
    fix: "take a new backup: tidegate backup ; then rehearse again",
  };
}

const MOST_NAMES = 5;
