import { type Fault, FaultError, faultOf } from "../../core/fault.ts";
import { type LeftOut, NO_REQUESTS, type Rehearsal } from "../../core/rehearsal/rehearsal.ts";
import { rehearsedPlan, hasTraffic } from "../../core/rehearsal/rehearsed-plan.ts";
import type { Plan } from "../../core/plan/plan.ts";
import type { CopyPlace, RehearsalCopies } from "../../ports/rehearsal-copies.ts";
import { keepRehearsal, rehearsalPlace } from "../../local/rehearsals.ts";
import type { AppDatabase } from "../app-database.ts";
import type { Context } from "../context.ts";
import { planHashOf } from "../plan-preview.ts";
import type { Project } from "../project.ts";
import { runParts } from "./parts.ts";
import { composeInRehearsal, copyPlaceFor } from "./compose-project.ts";
import { countByVersion } from "./counted-by-version.ts";
import type { Findings, RunningRehearsal } from "./running-rehearsal.ts";
import { sandboxEnvironment } from "./environment.ts";
import { freePorts } from "./free-ports.ts";
import { withNumbersOfItsOwn } from "./numbered-releases.ts";
import { requestsOf } from "./requests.ts";
import { startLog, type RunLog } from "./run-log.ts";
import { rehearsalId, makeSandbox, removeSandbox, type Removed, sweepRehearsals } from "./sandbox.ts";
import type { RehearsalView } from "./view.ts";
import { watchProduction } from "./out-of-production.ts";
import { variablesInFiles } from "./variables-in-files.ts";
import { sendRequests } from "./visitors.ts";
import { type Rehearsed, whatIsRehearsed } from "./what-is-rehearsed.ts";

export interface RehearsalOrder {
  readonly project: Project;
  readonly plan: Plan;
  readonly version: string;
  /** Absent: what serves by the journal. */
  readonly stable: string | undefined;
  /** A file of recorded requests; absent: what the plan says. */
  readonly requests: string | undefined;
  readonly perSecond: number;
  /** Of an encrypted backup. */
  readonly identity: string | null;
  /** Leaves journal and logs there until the next one. */
  readonly keep: boolean;
  readonly signal: AbortSignal;
}

/** Runs the plan in a sandbox and takes that away again, whatever came of it. Faults: of what could not even begin. */
export async function rehearse(
  context: Context,
  order: RehearsalOrder,
  view: RehearsalView,
): Promise<{ readonly rehearsal: Rehearsal; readonly path: string }> {
  const { project, plan } = order;
  const startedAt = Date.now();
  const begunAt = performance.now();
  const versions = await whatIsRehearsed(context, project, plan, order);
  const production = await productionOf(context, project, plan);
  for (const removed of await sweepRehearsals(context, project, production.copies)) view.note(removedSentence(removed));
  const id = rehearsalId();
  const { sandboxPlan, env, application, leftOut, copies } = await sandboxOf(context, order, production.copies, id);
  const requests = requestsOf({ plan: sandboxPlan, folder: project.folder, file: order.requests, leftOut });
  const findings: Findings = { database: null, rollback: null, recovery: null, leftOut };
  // From here on there is something to take away.
  const sandbox = makeSandbox(project, id, production.copies !== null);
  view.begin(headerOf(plan, versions));
  const [door] = sandboxPlan.traffic.listen;
  const visitors =
    hasTraffic(sandboxPlan) && door !== undefined ? sendRequests(door.port, requests, order.perSecond) : null;
  const log = startLog(view, () => visitors?.count() ?? NO_REQUESTS);
  using counted = countByVersion(async () => {
    const place = { project: sandbox.project, plan: sandboxPlan, env };
    return (await context.machinery.outside({ ...place, say: () => undefined, isFollowed: true })).traffic;
  });
  const watch = watchProduction(production.copies, application);
  const running: RunningRehearsal = {
    ...production,
    copies,
    context: { ...context, env, machinery: withNumbersOfItsOwn(context.machinery) },
    sandbox,
    plan: sandboxPlan,
    versions,
    visitors,
    counted,
    identity: order.identity,
    signal: AbortSignal.any([order.signal, watch.signal]),
  };
  const fault = await faultOfRun(running, log, findings);
  await watch[Symbol.asyncDispose]();
  view.now("takes everything away again");
  const removed = await removeSandbox(context, project, sandbox, production.copies, order.keep ? "keep" : "remove");
  view.now("");
  if (removed.trouble !== null) view.note(leftSentence(removed.trouble));
  if (order.signal.aborted) throw interrupted(removed.trouble);
  const rehearsal: Rehearsal = {
    format: 1,
    id,
    app: plan.app,
    environment: plan.environment,
    planHash: planHashOf(plan),
    ...versions,
    by: context.person,
    startedAt,
    tookMs: Math.round(performance.now() - begunAt),
    passed: fault === null && removed.trouble === null,
    trouble: troubleOf(log, fault, removed.trouble),
    ...findings,
    parts: log.parts,
    requests: visitors?.count() ?? NO_REQUESTS,
  };
  return { rehearsal, path: await keepRehearsal(project.state, rehearsal) };
}

/** What is rehearsed beside. */
async function productionOf(
  context: Context,
  project: Project,
  plan: Plan,
): Promise<Pick<RunningRehearsal, "production" | "copies">> {
  if (plan.database === undefined)
    return { production: { project, plan, backups: null, migrations: null }, copies: null };
  const place: AppDatabase = { database: plan.database, folder: project.folder, plan, env: context.env };
  const { migrations: tool } = plan.database;
  const [copies, backups, migrations] = await Promise.all([
    copiesOf(context, project, plan, BESIDE),
    context.machinery.backups(place),
    tool?.kind === "files" ? context.machinery.migrations(place, { tool }) : null,
  ]);
  return { production: { project, plan, backups, migrations }, copies };
}

const BESIDE: CopyPlace = { kind: "beside" };

async function copiesOf(
  { machinery, env }: Context,
  project: Project,
  plan: Plan,
  copyPlace: CopyPlace,
): Promise<RehearsalCopies | null> {
  const { database } = plan;
  if (database === undefined) return null;
  return await machinery.rehearsalCopies({ database, folder: project.folder, plan, env }, project.state, copyPlace);
}

/** The plan that is run, and the environment in which; makes nothing yet. Faults: rehearsal-database-unclear, rehearsal-not-possible. */
async function sandboxOf(
  context: Context,
  { plan, project }: RehearsalOrder,
  besideApps: RehearsalCopies | null,
  id: string,
) {
  const application = `tidegate-rehearsal-${id}`;
  const found = await context.machinery.projectToRehearse({ project, plan, env: context.env });
  const copyPlace = found === null ? BESIDE : await copyPlaceFor(found);
  const copies = found === null ? besideApps : await copiesOf(context, project, plan, copyPlace);
  const { services, databaseUrl, shared, ...sandbox } = sandboxEnvironment({
    plan,
    env: context.env,
    id,
    copies,
    application,
    variablesIn: (service) => variablesInFiles(service, project.folder),
    found,
  });
  const env = { ...sandbox.env };
  const ports = await freePorts(Math.max(1, plan.traffic.listen.length));
  const backups = rehearsalPlace(project.state, id).state.file("backups");
  const { plan: sandboxPlan, leftOut } = rehearsedPlan(plan, {
    ports,
    env: services,
    ...(databaseUrl === null ? {} : { database: { url: databaseUrl, backups } }),
    ...(found === null
      ? {}
      : { compose: composeInRehearsal({ plan, id, found, copyPlace, copies, application, env }) }),
  });
  return {
    sandboxPlan,
    env,
    application,
    leftOut: [...leftOut, ...(found?.leftOut ?? []), ...sharedOf(shared)],
    copies,
  };
}

/** null: nothing went wrong. */
async function faultOfRun(running: RunningRehearsal, log: RunLog, findings: Findings): Promise<Fault | null> {
  try {
    await runParts(running, log, findings);
    return null;
  } catch (error) {
    const why: unknown = running.signal.aborted ? running.signal.reason : error;
    return faultOf(why, "rehearsal-failed", "The rehearsal failed.");
  } finally {
    await running.visitors?.[Symbol.asyncDispose]();
  }
}

function troubleOf(log: RunLog, fault: Fault | null, left: Fault | null): Rehearsal["trouble"] {
  const part = log.parts.at(-1)?.name ?? "copy";
  // Where it was ended from outside, what it ended in is not the trouble.
  if (fault !== null) return { part, step: part, ...log.trouble(), fault };
  return left === null ? null : { part, step: "takes everything away again", fault: left };
}

/** Takes away what rehearsals that were killed have left. */
export async function cleanUp(context: Context, project: Project, plan: Plan): Promise<readonly Removed[]> {
  return await sweepRehearsals(context, project, (await productionOf(context, project, plan)).copies);
}

export function removedSentence({ id, isKept, trouble }: Removed): string {
  if (isKept && trouble === null) return `What was kept of rehearsal ${id} is taken away.`;
  if (trouble === null) return `Rehearsal ${id} was killed; what it left is taken away.`;
  const why = trouble.cause === undefined ? "" : ` ${trouble.cause}`;
  return `Rehearsal ${id} was killed, and something of it is left: ${trouble.what}${why}`;
}

function leftSentence({ what, cause }: Fault): string {
  return `Something of the rehearsal is left: ${what}${cause === undefined ? "" : ` ${cause}`} Try again: tidegate rehearse --clean`;
}

function sharedOf(shared: readonly string[]): readonly LeftOut[] {
  return shared.map((what) => ({
    what,
    why: "leads where production's does; `rehearsal: { env: … }` in the plan file can say otherwise",
  }));
}

function headerOf({ app, environment }: Plan, { stable, candidate }: Rehearsed): string {
  const versions = stable === null ? candidate.label : `${stable.label} → ${candidate.label}`;
  return `${app} ${versions}  ${environment}, a rehearsal beside it`;
}

function interrupted(left: Fault | null): FaultError {
  const what =
    left === null
      ? "Stopped. Nothing of the rehearsal is left."
      : `Stopped. Something of the rehearsal is left: ${left.what}`;
  return new FaultError({ code: "interrupted", what, ...(left === null ? {} : { fix: "tidegate doctor" }) });
}
