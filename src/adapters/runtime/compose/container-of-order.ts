import { createHash } from "node:crypto";
import type { ServiceOf } from "../../../core/plan/service.ts";
import type { StartOrder } from "../../../ports/runtime.ts";
import { freePort } from "../free-port.ts";
import { instanceId } from "../instance-id.ts";
import { fillIn } from "../place-holders.ts";
import { livenessLabel } from "./container-liveness.ts";
import { type Inspected, instanceOf, LABEL, placeLabels } from "./containers.ts";
import type { PreparedImage } from "./prepared-images.ts";
import type { SlotNetwork } from "./slot-network.ts";
import { type SlotContainer, slotDocument } from "./slot-project.ts";
import type { UserProject } from "./user-project.ts";
import { textOf } from "./written-values.ts";

export type ComposeStart = StartOrder & { readonly service: ServiceOf<"compose"> };

/** What a container is made of, beside its order. */
export interface ContainerMaterial {
  readonly project: UserProject;
  readonly image: PreparedImage;
  /** Where it takes requests; absent for what is not asked. */
  readonly port?: number;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Services of the compose file that are released and take requests. */
  readonly peers: readonly string[];
}

/** The container of an order, at an address. `before`: the one whose place it takes. Faults: undefined-name. */
export async function containerOf(
  { project, image, port, env, peers }: ContainerMaterial,
  order: ComposeStart,
  network: SlotNetwork,
  address: string,
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
    ...livenessLabel(order.service),
    ...(isPublished ? { [LABEL.publish]: publishOn } : {}),
  };
  const container: SlotContainer = {
    project: project.resolved,
    service: runtime.service,
    instance,
    containerName: `${order.app}-${order.environment}-${instance}`,
    image: image.id,
    labels,
    environment: { ...ownEnvironment(order), ...plansEnvironment(order, port, env) },
    network: { name: network.name, address },
    peers: peers.filter((peer) => peer !== runtime.service),
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
  return { ...container, labels: { ...labels, [LABEL.print]: printOf(container) } };
}

/** The container of what runs once, to its end, before the instances of a version that wait for it. */
export function containerOfTask(
  { project, image }: Pick<ContainerMaterial, "project" | "image">,
  order: ComposeStart,
  { service, instance }: Task,
  network: SlotContainer["network"],
): SlotContainer {
  const { services } = project.resolved;
  return {
    project: {
      ...project.resolved,
      services: { ...services, [service]: { ...services[service], restart: "no" } },
    },
    service,
    instance,
    containerName: `${order.app}-${order.environment}-${instance}`,
    image: image.id,
    labels: {
      ...placeLabels(order),
      [LABEL.instance]: instance,
      [LABEL.version]: order.version,
      [LABEL.slot]: order.slot,
      [LABEL.role]: "task",
    },
    environment: ownEnvironment(order),
    network,
    peers: [],
    directory: project.files.directory,
    usersDirectory: project.files.usersDirectory,
  };
}

export interface Task {
  /** Its service in the compose file. */
  readonly service: string;
  readonly instance: string;
}

/**
 * What a container is made of, in short: one that was stopped and is made of the same need not be made again. That it was
 * the first of all, or not, is no difference.
 */
function printOf(container: SlotContainer): string {
  const { [LABEL.restarts]: _, ...labels } = container.labels;
  const environment = { ...container.environment, BLUE_GREEN_MODE: "" };
  const document = slotDocument([{ ...container, labels, environment }]);
  return createHash("sha256").update(JSON.stringify(document)).digest("hex").slice(0, 24);
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
  env: ContainerMaterial["env"],
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
