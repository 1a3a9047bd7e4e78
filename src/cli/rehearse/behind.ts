import { type Fault, faultOf } from "../../core/fault.ts";
import type { AppliedMigration, Migrations } from "../../ports/migrations.ts";
import type { Findings, Sandboxed } from "./sandboxed.ts";
import type { ActScore } from "./score.ts";

/**
 * Fails the act where production has migrations that the copy lacks: what would be rehearsed then is not what a release would do. Both are
 * only read. Of the revisions of a team's own tool nothing is compared.
 */
export async function refuseCopyBehind(sandboxed: Sandboxed, findings: Findings, act: ActScore): Promise<void> {
  const { production, context, plan } = sandboxed;
  const { database } = plan;
  const tool = database?.migrations;
  if (production.migrations === null || database === undefined || tool?.kind !== "files") return;
  const { folder } = production.project;
  const copy = await context.machinery.migrations({ database, folder, plan, env: context.env }, { tool });
  const begunAt = performance.now();
  const lacking = await lackingIn(copy, production.migrations, sandboxed).catch((error: unknown) => {
    const { what } = faultOf(error, "database-unreachable", "The database can't be asked.");
    findings.leftOut.push({ what: "whether the copy has production's migrations", why: what });
    return [];
  });
  if (lacking.length === 0) return;
  const step = "compared with production's migrations";
  act.add({ name: step, state: "failed", tookMs: Math.round(performance.now() - begunAt) });
  act.fail(step, behind(lacking));
}

async function lackingIn(
  copy: Migrations,
  production: Migrations,
  { production: { project }, signal }: Sandboxed,
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
