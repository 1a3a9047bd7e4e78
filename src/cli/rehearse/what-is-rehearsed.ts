import { FaultError } from "../../core/fault.ts";
import type { Plan } from "../../core/plan/plan.ts";
import type { RehearsedVersion } from "../../core/rehearsal/rehearsal.ts";
import { replay } from "../../core/release/evolve.ts";
import type { Release } from "../../core/release/release.ts";
import { placeBefore } from "../../engine/start-release.ts";
import type { Context } from "../context.ts";
import type { Project } from "../project.ts";
import { openReading } from "../session.ts";

export interface Rehearsed {
  readonly candidate: RehearsedVersion;
  /** null: nothing serves yet. */
  readonly stable: RehearsedVersion | null;
}

/**
 * Which version beside which: as a release would begin now, or with another one as what serves. Faults: rehearsal-not-possible,
 * version-serves-already, unknown-version.
 */
export async function whatIsRehearsed(
  context: Context,
  project: Project,
  plan: Plan,
  wanted: { readonly version: string; readonly stable: string | undefined },
): Promise<Rehearsed> {
  mustBeRehearsable(plan);
  const order = { project, plan, env: context.env, say: () => undefined, isFollowed: true };
  const { runtime } = await context.machinery.outside(order);
  const candidate = await runtime.resolve(wanted.version, plan.services);
  const stable =
    wanted.stable === undefined
      ? await servesNow(context, project, plan)
      : await runtime.resolve(wanted.stable, plan.services);
  if (stable?.version === candidate.version)
    throw new FaultError({
      code: "version-serves-already",
      what: `${candidate.label} serves already, so there is nothing to rehearse.`,
      fix: "commit a change, or name another version: tidegate rehearse V",
    });
  return { candidate: named(candidate), stable: stable === null ? null : named(stable) };
}

function named({ version, label }: RehearsedVersion): RehearsedVersion {
  return { version, label };
}

async function servesNow(
  context: Context,
  project: Project,
  { app, environment }: Plan,
): Promise<RehearsedVersion | null> {
  await using reading = await openReading(context, project);
  const releases: Release[] = [];
  for (const id of (await reading?.journal.releases({ app, environment })) ?? []) {
    const release = replay((await reading?.journal.read(id)) ?? []);
    if (release !== null) releases.push(release);
    if (releases.filter(({ state }) => state === "live" || state === "closed").length >= 2) break;
  }
  const before = placeBefore(releases);
  if (before?.adopted === undefined) return before;
  throw new FaultError({
    code: "rehearsal-not-possible",
    what: `What serves now was taken over at ${before.adopted}, and can't be started a second time for a rehearsal.`,
    fix: "say which version it is: tidegate rehearse --stable VERSION",
  });
}

function mustBeRehearsable({ services, database }: Plan): void {
  const unit = services.find(({ runtime }) => runtime.kind === "systemd");
  const container = services.find(({ runtime }) => runtime.kind === "compose");
  const why =
    unit !== undefined
      ? `${unit.name} runs by systemd, and only plain processes (\`run:\`) and services of a compose file can be rehearsed yet.`
      : container !== undefined && database?.kind === "sqlite"
        ? `${container.name} runs in a container, and a copy of a file of SQLite can't be led into one yet.`
        : null;
  if (why === null) return;
  throw new FaultError({
    code: "rehearsal-not-possible",
    what: why,
    where: `services.${(unit ?? container)?.name ?? ""}`,
    fix: "rehearse on a machine of its own with the same plan; the database alone: tidegate backup --proof drill",
  });
}
