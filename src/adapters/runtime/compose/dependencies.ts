import { FaultError } from "../../../core/fault.ts";
import type { Service } from "../../../core/plan/service.ts";
import { withoutControls } from "../../../core/text/plain-text.ts";
import { setTimeout as delay } from "node:timers/promises";
import { containerLog } from "./container-log.ts";
import { findContainers, type Inspected, LABEL, labelOf, placeLabels } from "./containers.ts";
import type { DockerClient } from "./docker-client.ts";
import { dependenciesOf } from "./resolved-project.ts";
import { containersOfProject, sharedPart, untilDependable } from "./shared-part.ts";
import type { ComposeStart } from "./container-of-order.ts";
import { removeContainer, startTask, type StartPlace } from "./start-container.ts";
import type { UserProject } from "./user-project.ts";

/** Compose services of a plan: what others in the compose file depend on is shared with all versions. */
export function releasedNames(services: readonly Service[]): readonly string[] {
  return services.flatMap(({ runtime }) => (runtime.kind === "compose" ? [runtime.service] : []));
}

const UP_WITHIN_MS = 10 * 60_000;
const LOOK_MS = 100;

/**
 * What the compose file says that a service depends on: databases and the like run, in the user's own project, where
 * they are left as they are if they run already; what must have completed has, once for this version.
 * Faults: dependency-not-started, dependency-not-healthy, task-failed.
 */
export async function ensureDependencies(
  place: StartPlace,
  order: ComposeStart,
  released: readonly string[],
): Promise<void> {
  const { docker, project } = place;
  const { service } = order.service.runtime;
  const { others, tasks } = sharedPart(project.resolved, released, [service]);
  await startOthers(docker, project, others);
  const { startMs } = order.service;
  const direct = dependenciesOf(project.resolved.services[service] ?? {});
  for (const name of others)
    await untilDependable(
      docker,
      project.resolved.name,
      name,
      direct.get(name) === "healthy" || isWaitedFor(project, tasks, name) ? "healthy" : "started",
      startMs,
    );
  for (const task of tasks) await runTask(place, order, task);
  for (const [name, condition] of direct)
    if (released.includes(name) && condition === "healthy") await untilSiblingHealthy(docker, order, name, startMs);
}

function isWaitedFor(project: UserProject, tasks: readonly string[], name: string): boolean {
  return tasks.some((task) => dependenciesOf(project.resolved.services[task] ?? {}).get(name) === "healthy");
}

/** Those of them that do not run. Faults: dependency-not-started. */
export async function startOthers(
  docker: DockerClient,
  project: UserProject,
  names: readonly string[],
  signal?: AbortSignal,
): Promise<void> {
  const found = await Promise.all(names.map((name) => containersOfProject(docker, project.resolved.name, name)));
  const missing = names.filter(
    (_, index) => found[index]?.some(({ State: { Status } }) => Status === "running") !== true,
  );
  if (missing.length === 0) return;
  // Never made anew: what runs, runs with its data.
  const result = await project.usersCompose(["up", "--detach", "--no-deps", "--no-recreate", ...missing], {
    timeoutMs: UP_WITHIN_MS,
    ...(signal === undefined ? {} : { signal }),
  });
  if (result.code === 0) return;
  const lines = `${result.output}\n${result.errors}`
    .split("\n")
    .map((line) => withoutControls(line).trim())
    .filter((line) => line !== "");
  throw new FaultError({
    code: "dependency-not-started",
    what: `${missing.join(", ")}, which released services depend on, can't be started.`,
    where: project.files.documents[0]?.placeOf(["services", missing[0] ?? ""]) ?? "",
    detail: lines.slice(-8),
    fix: `start ${missing.length === 1 ? "it" : "them"} by hand: docker compose up -d ${missing.join(" ")}`,
  });
}

async function runTask(place: StartPlace, order: ComposeStart, service: string): Promise<void> {
  const { docker } = place;
  const instance = `${service}-task-${order.version.slice(0, 8)}`.toLowerCase().replaceAll(/[^a-z0-9_.-]/g, "-");
  const labels = { ...placeLabels(order), [LABEL.instance]: instance, [LABEL.version]: order.version };
  const [before] = await findContainers(docker, labels);
  if (before !== undefined && before.State.Status === "exited" && before.State.ExitCode === 0) return;
  if (before !== undefined && before.State.Status !== "running") await removeContainer(docker, before.Id);
  const running = before?.State.Status === "running" ? before : await startTask(place, order, { service, instance });
  const ended = await untilEnded(docker, running, order.service.startMs);
  if (ended?.State.ExitCode === 0) return;
  const log = ended === null ? [] : await containerLog(docker, ended, 12).catch(() => []);
  throw new FaultError({
    code: "task-failed",
    what:
      ended === null
        ? `${service}, which has to complete before ${order.service.name} starts, did not end in time.`
        : `${service}, which has to complete before ${order.service.name} starts, exited with code ${ended.State.ExitCode}.`,
    where: place.project.files.documents[0]?.placeOf(["services", service]) ?? "",
    detail: log.map(withoutControls),
    fix: "mend it, or release a version that has no need of it; does it take longer? then raise `startWithin`",
  });
}

async function untilEnded(docker: DockerClient, { Id }: Inspected, timeoutMs: number): Promise<Inspected | null> {
  for (const until = performance.now() + timeoutMs; performance.now() < until;) {
    const now = await docker.get<Inspected>(`/containers/${Id}/json`);
    if (now === null || now.State.Status === "exited" || now.State.Status === "dead") return now;
    await delay(LOOK_MS);
  }
  return null;
}

/** A service of the same version that is released beside it, where it is started before. */
async function untilSiblingHealthy(
  docker: DockerClient,
  order: ComposeStart,
  name: string,
  timeoutMs: number,
): Promise<void> {
  const labels = { ...placeLabels(order), [LABEL.slot]: order.slot, [LABEL.version]: order.version };
  for (const until = performance.now() + timeoutMs; performance.now() < until;) {
    const mine = (await findContainers(docker, labels)).filter((each) => labelOf(each, LABEL.composeService) === name);
    if (
      mine.length === 0 ||
      mine.some(
        ({ State: { Health } }) => Health === undefined || Health.Status === "none" || Health.Status === "healthy",
      )
    )
      return;
    await delay(LOOK_MS);
  }
  throw new FaultError({
    code: "dependency-not-healthy",
    what: `${name} of the same version, which ${order.service.name} depends on, did not get healthy in time.`,
    fix: `docker ps --filter label=${LABEL.version}=${order.version}`,
  });
}
