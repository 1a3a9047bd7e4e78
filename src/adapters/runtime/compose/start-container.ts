import { mkdirSync } from "node:fs";
import { FaultError } from "../../../core/fault.ts";
import { withoutControls } from "../../../core/text/plain-text.ts";
import { lock } from "../../../local/exclusive-lock.ts";
import type { StateFolder } from "../../../local/state-folder.ts";
import type { StartOrder } from "../../../ports/runtime.ts";
import { instanceId } from "../instance-id.ts";
import {
  type ComposeStart,
  containerOf,
  containerOfTask,
  type ContainerMaterial,
  type Task,
} from "./container-of-order.ts";
import { findContainers, type Inspected, LABEL, labelOf, placeLabels, stateOf, wasStopped } from "./containers.ts";
import type { DockerClient } from "./docker-client.ts";
import { makeImage } from "./images.ts";
import { makeNetworksAndVolumes } from "./shared-part.ts";
import { freeAddress, slotNetwork, type SlotNetwork } from "./slot-network.ts";
import { type SlotContainer, slotDocument, slotProjectName } from "./slot-project.ts";
import type { UserProject } from "./user-project.ts";

export interface StartPlace extends ContainerMaterial {
  readonly folder: StateFolder;
  readonly docker: DockerClient;
}

const UP_WITHIN_MS = 120_000;

/**
 * Starts what does not run of these orders, all of one service, version and slot, and answers the first one's container.
 * One that Tidegate stopped and that would be made of the same is started again as it is; else it is made anew, and its
 * crashes are remembered. Faults: instance-not-started, undefined-name.
 */
export async function startContainers(
  place: StartPlace,
  orders: readonly [ComposeStart, ...ComposeStart[]],
): Promise<Inspected> {
  const [first] = orders;
  const { docker, project } = place;
  await makeNetworksAndVolumes(docker, project.resolved, writtenOf(project, first.service.runtime.service));
  using _alone = await alone(place);
  const { network, inSlot } = await slotOf(docker, first);
  const missing: SlotContainer[] = [];
  for (const order of orders) {
    const before = inSlot.find((each) => labelOf(each, LABEL.instance) === instanceId(order)) ?? null;
    if (before !== null && isLiving(before)) continue;
    if (before !== null && (await startAgain(place, order, network, before))) continue;
    if (before !== null) await removeContainer(docker, before.Id);
    const taken = [...addressesOf(inSlot, network), ...missing.map((each) => each.network.address)];
    missing.push(await containerOf(place, order, network, freeAddress(network, taken), before));
  }
  if (missing.length > 0) await up(place, first, missing);
  const found = await containerWith(docker, first);
  if (found !== null) return found;
  throw notStarted(first, instanceId(first), "", project);
}

/** Runs what a service waits for; it has nobody's traffic, and is not started again. */
export async function startTask(place: StartPlace, order: ComposeStart, task: Task): Promise<Inspected> {
  const { docker, project, folder } = place;
  const { app, environment, version } = order;
  await makeNetworksAndVolumes(docker, project.resolved, writtenOf(project, task.service));
  const signal = new AbortController().signal;
  const image = await makeImage({ folder, docker, project, app, environment, version, signal }, task.service);
  using _alone = await alone(place);
  const { network, inSlot } = await slotOf(docker, order);
  const address = freeAddress(network, addressesOf(inSlot, network));
  const container = containerOfTask({ project, image }, order, task, { name: network.name, address });
  await up(place, order, [container]);
  const [found] = await findContainers(docker, { ...placeLabels(order), [LABEL.instance]: task.instance });
  if (found !== undefined) return found;
  throw notStarted(order, task.instance, "", project);
}

/** Two at once would be given the same address. */
function alone({ folder }: StartPlace): ReturnType<typeof lock> {
  mkdirSync(folder.file("compose"), { recursive: true, mode: 0o700 });
  return lock(folder.file("compose", "start.lock"));
}

interface SlotNow {
  readonly network: SlotNetwork;
  /** Stopped ones too. */
  readonly inSlot: readonly Inspected[];
}

async function slotOf(docker: DockerClient, order: StartOrder): Promise<SlotNow> {
  const name = slotProjectName(order.app, order.environment, order.slot);
  const network = await slotNetwork(docker, `tidegate-${name}`, placeLabels(order));
  return { network, inSlot: await findContainers(docker, { ...placeLabels(order), [LABEL.slot]: order.slot }) };
}

function addressesOf(containers: readonly Inspected[], { name }: SlotNetwork): readonly string[] {
  return containers.flatMap(({ NetworkSettings: { Networks } }) => {
    const network = Networks[name];
    return network?.IPAMConfig?.IPv4Address ?? network?.IPAddress ?? [];
  });
}

/** False: it has to be made anew. */
async function startAgain(
  place: StartPlace,
  order: ComposeStart,
  network: SlotNetwork,
  before: Inspected,
): Promise<boolean> {
  const [address] = addressesOf([before], network);
  if (!wasStopped(before) || address === undefined || address === "") return false;
  const now = await containerOf(place, order, network, address, before);
  if (now.labels[LABEL.print] !== labelOf(before, LABEL.print)) return false;
  const restart = { Name: labelOf(before, LABEL.restart)?.split(":")[0] };
  await place.docker.change("POST", `/containers/${before.Id}/update`, { RestartPolicy: restart });
  await place.docker.change("POST", `/containers/${before.Id}/start`, undefined, UP_WITHIN_MS);
  return true;
}

async function up({ project }: StartPlace, order: ComposeStart, containers: readonly SlotContainer[]): Promise<void> {
  const names = containers.map(({ instance }) => instance);
  const verb = ["up", "--detach", "--no-deps", "--no-recreate", "--no-build", ...names];
  const name = slotProjectName(order.app, order.environment, order.slot);
  const result = await project.compose(name, slotDocument(containers), verb, { timeoutMs: UP_WITHIN_MS });
  if (result.code !== 0) throw notStarted(order, names.join(", "), `${result.output}\n${result.errors}`, project);
}

function writtenOf(project: UserProject, service: string): Readonly<Record<string, unknown>> {
  return project.resolved.services[service] ?? {};
}

export async function removeContainer(docker: DockerClient, id: string): Promise<void> {
  await docker.change("DELETE", `/containers/${id}?force=1&v=1`, undefined, 60_000);
}

/** The container of an order, whatever its state. */
export async function containerWith(docker: DockerClient, order: StartOrder): Promise<Inspected | null> {
  const [found] = await findContainers(docker, { ...placeLabels(order), [LABEL.instance]: instanceId(order) });
  return found ?? null;
}

function notStarted(order: ComposeStart, instance: string, said: string, project: UserProject): FaultError {
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

/**
 * Whether it runs or is about to: then it need not be started. One that was only created is none of these: whoever looks while
 * compose is about to start it waits for its turn, and whoever finds it then has found one that nobody starts any more.
 */
export function isLiving(container: Inspected): boolean {
  const state = stateOf(container);
  if (container.State.Status === "created") return false;
  return state !== "exited" && state !== "stopping" && labelOf(container, LABEL.instance) !== undefined;
}
