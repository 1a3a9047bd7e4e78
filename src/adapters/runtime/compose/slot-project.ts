import { isAbsolute } from "node:path";
import type { Slot } from "../../../core/observation.ts";
import { listOf, mapOf } from "./written-values.ts";
import { mountsOf, namesOf, nameOnEngine, networksOf, type Plain, type ResolvedProject } from "./resolved-project.ts";
import { environmentOf, escaped, pairsOf } from "./service-environment.ts";
import { sourceOf, usedFiles, type VersionPlace } from "./version-files.ts";

/** One container, as compose is to create it. */
export interface SlotContainer extends VersionPlace {
  readonly project: ResolvedProject;
  /** Its service in the user's compose file. */
  readonly service: string;
  /** `web-green-0-9f2c1e4a`: its own service in the slot's project. */
  readonly instance: string;
  readonly containerName: string;
  /** The image by its digest: what a tag means may change, a version must not. */
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Added to what the compose file says. */
  readonly environment: Readonly<Record<string, string>>;
  readonly network: { readonly name: string; readonly address: string };
  /** Services of the user's compose file that each version has of its own and that take requests. */
  readonly peers: readonly string[];
  /** A port of this machine that leads to it, where its own address does not. */
  readonly publish?: { readonly host: string; readonly port?: number; readonly target: number };
}

/** What a slot's project is called; its containers are told apart by instance. */
export function slotProjectName(app: string, environment: string, slot: Slot): string {
  return `${app}-${environment}-${slot}`.toLowerCase().replaceAll(/[^a-z0-9_-]/g, "-");
}

/** The network that a slot's containers share, and nobody else is in. */
const SLOT_NETWORK = "tidegate-slot";

/** Keys that are the slot's own, or that mean something beside other services only. */
const LEFT_OUT = [
  "build",
  "container_name",
  "depends_on",
  "env_file",
  "expose",
  "extends",
  "links",
  "networks",
  "ports",
  "profiles",
  "pull_policy",
  "scale",
];

/**
 * The compose document that creates containers of a slot: the user's services, each with its own name, address and image,
 * beside networks and volumes that stay the user's project's own. Given to compose on its standard input, and never
 * written to a disk: it holds the values of the environment.
 */
export function slotDocument(containers: readonly SlotContainer[]): Plain {
  const parts = containers.map(partOf);
  const all = (key: string): Plain => Object.assign({}, ...parts.map((part) => mapOf(part[key]))) as Plain;
  const keys = ["services", "networks", "volumes", "secrets", "configs"];
  return Object.fromEntries(
    keys.map((key) => [key, all(key)] as const).filter(([, value]) => Object.keys(value).length > 0),
  );
}

function partOf(container: SlotContainer): Plain {
  const { project, instance } = container;
  const service = project.services[container.service] ?? {};
  const volumes = mountsOf(service).flatMap(({ kind, source }) =>
    kind === "volume" && source !== undefined ? [source] : [],
  );
  const networks = Object.keys(networksOf(service));
  return {
    services: { [instance]: slotService(service, container) },
    networks: {
      [SLOT_NETWORK]: { external: true, name: container.network.name },
      ...Object.fromEntries(
        networks.map((key) => [key, { external: true, name: nameOnEngine(project, "networks", key) }]),
      ),
    },
    volumes: Object.fromEntries(
      volumes.map((key) => [key, { external: true, name: nameOnEngine(project, "volumes", key) }]),
    ),
    secrets: usedFiles("secrets", service, project, container),
    configs: usedFiles("configs", service, project, container),
  };
}

function slotService(service: Plain, container: SlotContainer): Plain {
  const kept = Object.fromEntries(Object.entries(service).filter(([key]) => !LEFT_OUT.includes(key)));
  const { publish } = container;
  return {
    ...kept,
    image: container.image,
    container_name: container.containerName,
    environment: { ...environmentOf(service), ...escaped(container.environment) },
    labels: { ...pairsOf(service["labels"]), ...escaped(container.labels) },
    networks: slotNetworks(service, container),
    ...linksOf(service, container),
    ...(publish === undefined ? {} : { ports: [`${publish.host}:${publish.port ?? ""}:${publish.target}`] }),
    ...restartOf(service),
    ...deployOf(service),
    ...(service["volumes"] === undefined
      ? {}
      : { volumes: listOf(service["volumes"]).map((entry) => volumeOf(entry, container)) }),
  };
}

/**
 * In the slot's own network it goes by its service's name, so that services of a version find each other. In the
 * project's networks it has no such name: else others would be sent to a version that nobody has let in yet.
 */
function slotNetworks(service: Plain, { network, service: name }: SlotContainer): Plain {
  return {
    ...Object.fromEntries(
      Object.entries(networksOf(service)).map(([key, value]) => [
        key,
        Object.fromEntries(Object.entries(value).filter(([each]) => each !== "aliases" && !each.startsWith("ipv"))),
      ]),
    ),
    [SLOT_NETWORK]: { aliases: [...namesOf(name, service), nameInSlot(name)], ipv4_address: network.address },
  };
}

/** A name that nobody has in another network. */
function nameInSlot(service: string): string {
  return `${service}.tidegate-slot`;
}

/**
 * Beside a project that was taken over, its own containers have the same names in the project's networks, and the engine
 * would ask those first. What is linked goes before any name of a network.
 */
function linksOf(service: Plain, { project, peers }: SlotContainer): Plain {
  const links = peers.flatMap((peer) =>
    namesOf(peer, project.services[peer] ?? {}).map((name) => `${nameInSlot(peer)}:${name}`),
  );
  if (links.length === 0) return {};
  return { external_links: [...listOf(service["external_links"]), ...links] };
}

/** A release needs its instances back: who says nothing of restarts gets them. */
function restartOf(service: Plain): Plain {
  if (service["restart"] !== undefined) return {};
  return mapOf(service["deploy"])["restart_policy"] === undefined ? { restart: "unless-stopped" } : {};
}

/** Limits stay; how many there are is Tidegate's. */
function deployOf(service: Plain): Plain {
  const deploy = Object.entries(mapOf(service["deploy"])).filter(([key]) => key !== "replicas" && key !== "mode");
  return service["deploy"] === undefined ? {} : { deploy: Object.fromEntries(deploy) };
}

function volumeOf(entry: unknown, { directory, usersDirectory }: SlotContainer): unknown {
  if (typeof entry === "string") {
    const [source = "", ...rest] = entry.split(":");
    if (rest.length === 0 || !isAbsolute(source)) return entry;
    return [sourceOf(source, directory, usersDirectory), ...rest].join(":");
  }
  const long = mapOf(entry);
  const source = long["source"];
  if (long["type"] !== "bind" || typeof source !== "string") return entry;
  return { ...long, source: sourceOf(source, directory, usersDirectory) };
}
