import { mkdirSync } from "node:fs";
import { FaultError } from "../../../core/fault.ts";
import type { ServiceOf } from "../../../core/plan/plan.ts";
import { withoutControls } from "../../../core/text/plain-text.ts";
import { lock } from "../../../local/exclusive-lock.ts";
import type { StateFolder } from "../../../local/state-folder.ts";
import type { StartOrder } from "../../../ports/runtime.ts";
import { fillIn } from "../place-holders.ts";
import { freePort } from "../free-port.ts";
import { instanceId } from "../instance-id.ts";
import { findContainers, instanceOf, type Inspected, LABEL, labelOf, stateOf } from "./containers.ts";
import type { DockerClient } from "./docker-client.ts";
import { makeImage, type PreparedImage } from "./images.ts";
import { livenessLabel } from "./container-liveness.ts";
import { makeNetworksAndVolumes } from "./shared-part.ts";
import { type SlotContainer, slotDocument, slotProjectName } from "./slot-project.ts";
import { freeAddress, slotNetwork, type SlotNetwork } from "./slot-network.ts";
import type { UserProject } from "./user-project.ts";
import { textOf } from "./written-values.ts";

export type ComposeStart = StartOrder & { readonly service: ServiceOf<"compose"> };

/** What runs once, to its end, before the instances of a version that wait for it. */
export interface Task {
  /** Its service in the compose file. */
  readonly service: string;
  readonly instance: string;
}

export interface StartPlace {
  readonly folder: StateFolder;
  readonly docker: DockerClient;
  readonly project: UserProject;
  readonly image: PreparedImage;
  /** Where it takes requests; absent for what is not asked. */
  readonly port?: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const UP_WITHIN_MS = 120_000;

/**
 * Creates and starts the container of an order. The order's own container that has ended before is taken away first, and
 * its crashes are remembered. Faults: instance-not-started, undefined-name, stale-epoch.
 */
export async function startContainer(
  place: StartPlace,
  order: ComposeStart,
  before: Inspected | null,
): Promise<Inspected> {
  const { docker, project, folder } = place;
  await makeNetworksAndVolumes(
    docker,
    project.resolved,
    project.resolved.services[order.service.runtime.service] ?? {},
  );
  mkdirSync(folder.file("compose"), { recursive: true, mode: 0o700 });
  // Two at once would be given the same address.
  using _alone = await lock(folder.file("compose", "start.lock"));
  if (before !== null) await removeContainer(docker, before.Id);
  const name = slotProjectName(order.app, order.environment, order.slot);
  const network = await slotNetwork(docker, `tidegate-${name}`, placeLabels(order));
  const siblings = await findContainers(docker, { ...placeLabels(order), [LABEL.slot]: order.slot });
  const container = await containerOf(place, order, network, siblings, before);
  const verb = ["up", "--detach", "--no-deps", "--no-recreate", "--no-build", container.instance];
  const result = await project.compose(name, slotDocument(container), verb, { timeoutMs: UP_WITHIN_MS });
  const found = await containerWith(docker, order);
  if (result.code === 0 && found !== null) return found;
  throw notStarted(order, container, `${result.output}\n${result.errors}`, project);
}

/** Runs what a service waits for; it has nobody's traffic, and is not started again. */
export async function startTask(place: StartPlace, order: ComposeStart, task: Task): Promise<Inspected> {
  const { docker, project, folder } = place;
  const { services } = project.resolved;
  const written = services[task.service] ?? {};
  await makeNetworksAndVolumes(docker, project.resolved, written);
  const signal = new AbortController().signal;
  const { app, environment, version } = order;
  const image = await makeImage({ folder, docker, project, app, environment, version, signal }, task.service);
  mkdirSync(folder.file("compose"), { recursive: true, mode: 0o700 });
  using _alone = await lock(folder.file("compose", "start.lock"));
  const name = slotProjectName(order.app, order.environment, order.slot);
  const network = await slotNetwork(docker, `tidegate-${name}`, placeLabels(order));
  const siblings = await findContainers(docker, { ...placeLabels(order), [LABEL.slot]: order.slot });
  const container: SlotContainer = {
    project: { ...project.resolved, services: { ...services, [task.service]: { ...written, restart: "no" } } },
    service: task.service,
    instance: task.instance,
    containerName: `${order.app}-${order.environment}-${task.instance}`,
    image: image.id,
    labels: {
      ...placeLabels(order),
      [LABEL.instance]: task.instance,
      [LABEL.version]: order.version,
      [LABEL.slot]: order.slot,
      [LABEL.role]: "task",
    },
    environment: ownEnvironment(order),
    network: { name: network.name, address: freeAddress(network, siblings) },
    directory: project.files.directory,
    usersDirectory: project.files.usersDirectory,
  };
  const verb = ["up", "--detach", "--no-deps", "--no-recreate", "--no-build", task.instance];
  const result = await project.compose(name, slotDocument(container), verb, { timeoutMs: UP_WITHIN_MS });
  const [found] = await findContainers(docker, { ...placeLabels(order), [LABEL.instance]: task.instance });
  if (result.code === 0 && found !== undefined) return found;
  throw notStarted(order, container, `${result.output}\n${result.errors}`, project);
}

export async function removeContainer(docker: DockerClient, id: string): Promise<void> {
  await docker.change("DELETE", `/containers/${id}?force=1&v=1`, undefined, 60_000);
}

/** What all containers of an app and environment carry. */
export function placeLabels({
  app,
  environment,
}: {
  readonly app: string;
  readonly environment: string;
}): Readonly<Record<string, string>> {
  return { [LABEL.app]: app, [LABEL.environment]: environment };
}

/** The container of an order, whatever its state. */
export async function containerWith(docker: DockerClient, order: StartOrder): Promise<Inspected | null> {
  const [found] = await findContainers(docker, { ...placeLabels(order), [LABEL.instance]: instanceId(order) });
  return found ?? null;
}

async function containerOf(
  { project, image, port, env }: StartPlace,
  order: ComposeStart,
  network: SlotNetwork,
  siblings: readonly Inspected[],
  before: Inspected | null,
): Promise<SlotContainer> {
  const { runtime } = order.service;
  const instance = instanceId(order);
  const written = project.resolved.services[runtime.service] ?? {};
  const publishOn = runtime.project.publish ?? "127.0.0.1";
  const isPublished = port !== undefined && (!network.isReachable || runtime.project.publish !== undefined);
  const labels = {
    ...placeLabels(order),
    [LABEL.service]: order.service.name,
    [LABEL.composeService]: runtime.service,
    [LABEL.version]: order.version,
    [LABEL.slot]: order.slot,
    [LABEL.index]: String(order.index),
    [LABEL.instance]: instance,
    [LABEL.role]: "instance",
    [LABEL.network]: network.name,
    [LABEL.prepared]: order.directory,
    [LABEL.image]: image.reference,
    [LABEL.restart]: textOf(written["restart"] ?? "unless-stopped"),
    [LABEL.restarts]: String(before === null ? 0 : instanceOf(before, null, null).restarts),
    [LABEL.reached]: isPublished ? "port" : "network",
    ...(port === undefined ? {} : { [LABEL.port]: String(port) }),
    ...(order.service.health === undefined ? {} : livenessLabel(order.service.health)),
    ...(isPublished ? { [LABEL.publish]: publishOn } : {}),
  };
  return {
    project: project.resolved,
    service: runtime.service,
    instance,
    containerName: `${order.app}-${order.environment}-${instance}`,
    image: image.id,
    labels,
    environment: { ...ownEnvironment(order), ...plansEnvironment(order, port, env) },
    network: { name: network.name, address: freeAddress(network, siblings) },
    ...(isPublished
      ? {
          publish: {
            host: publishOn,
            target: port,
            // Elsewhere nobody here knows which are free.
            ...(runtime.project.publish === undefined ? { port: await freePort(new Set()) } : {}),
          },
        }
      : {}),
    directory: project.files.directory,
    usersDirectory: project.files.usersDirectory,
  };
}

function ownEnvironment(order: StartOrder): Readonly<Record<string, string>> {
  return {
    DEPLOYMENT_ENV: order.environment,
    BLUE_GREEN_MODE: order.role,
    TIDEGATE_VERSION: order.version,
    TIDEGATE_SLOT: order.slot,
    TIDEGATE_INSTANCE: instanceId(order),
  };
}

/** `env` of the plan's service. Faults: undefined-name. */
function plansEnvironment(
  order: ComposeStart,
  port: number | undefined,
  env: StartPlace["env"],
): Readonly<Record<string, string>> {
  const { service, version, slot, directory } = order;
  const own = { version, slot, dir: directory, ...(port === undefined ? {} : { port: String(port) }) };
  const users = (name: string): string | undefined => order.secrets[name] ?? env[name];
  return Object.fromEntries(
    Object.entries(service.env).map(([name, text]) => [
      name,
      fillIn(text, own, users, `\`env.${name}\` of ${service.name}`),
    ]),
  );
}

function notStarted(order: ComposeStart, { instance }: SlotContainer, said: string, project: UserProject): FaultError {
  const lines = said
    .split("\n")
    .map((line) => withoutControls(line).trim())
    .filter(
      (line) =>
        line !== "" && !/^(?:Creating|Starting|Container|Network) .*(?:\.\.\.|done|Created|Started)\s*$/.test(line),
    );
  return new FaultError({
    code: "instance-not-started",
    what: `The container of ${instance} can't be started: ${(lines.find((line) => /error|cannot|can't|failed|invalid/i.test(line)) ?? lines.at(-1) ?? "compose says nothing").replace(/^ERROR: (?:for \S+\s+)?/, "").replace(/\.$/, "")}.`,
    where: project.files.documents[0]?.placeOf(["services", order.service.runtime.service]) ?? "",
    detail: lines.slice(-8),
    fix: `what compose does by hand: docker compose up ${order.service.runtime.service}`,
  });
}

/** Whether it runs or is about to: then it need not be started. */
export function isLiving(container: Inspected): boolean {
  const state = stateOf(container);
  return state !== "exited" && state !== "stopping" && labelOf(container, LABEL.instance) !== undefined;
}
