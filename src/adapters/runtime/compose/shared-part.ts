import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../../../core/fault.ts";
import {
  dependenciesOf,
  isExternal,
  mountsOf,
  nameOnEngine,
  networksOf,
  type Plain,
  type ResolvedProject,
} from "./resolved-project.ts";
import { mapOf, textOf } from "./written-values.ts";
import { findContainers, type Inspected } from "./containers.ts";
import type { DockerClient } from "./docker-client.ts";

/**
 * What released services need of the rest of the project, theirs and each other's: `others` run once and stay as they
 * are (databases, caches), `tasks` run to their end once for each version (what a service waits for until it has
 * completed). In the order in which they are needed.
 */
export interface SharedPart {
  readonly others: readonly string[];
  readonly tasks: readonly string[];
}

export function sharedPart(
  project: ResolvedProject,
  released: readonly string[],
  of: readonly string[] = released,
): SharedPart {
  const others: string[] = [];
  const tasks: string[] = [];
  const visit = (name: string, seen: readonly string[]): void => {
    for (const [dependency, condition] of dependenciesOf(project.services[name] ?? {})) {
      if (released.includes(dependency) || seen.includes(dependency) || project.services[dependency] === undefined)
        continue;
      visit(dependency, [...seen, dependency]);
      const list = condition === "completed" ? tasks : others;
      if (!others.includes(dependency) && !tasks.includes(dependency)) list.push(dependency);
    }
  };
  for (const name of of) visit(name, [name]);
  return { others, tasks };
}

/** Containers of a service of the user's own project, however they were started. */
export function containersOfProject(
  docker: DockerClient,
  project: string,
  service: string,
): Promise<readonly Inspected[]> {
  return findContainers(docker, {
    "com.docker.compose.project": project,
    "com.docker.compose.service": service,
    "com.docker.compose.oneoff": "False",
  });
}

/**
 * Makes the networks and volumes that a service uses and that nobody has made yet, as compose would, with its marks on
 * them: so that the user's own `docker compose up` finds them as its own.
 */
export async function makeNetworksAndVolumes(
  docker: DockerClient,
  project: ResolvedProject,
  service: Plain,
): Promise<void> {
  for (const key of Object.keys(networksOf(service))) await makeNetwork(docker, project, key);
  for (const { kind, source } of mountsOf(service))
    if (kind === "volume" && source !== undefined) await makeVolume(docker, project, source);
}

async function makeNetwork(docker: DockerClient, project: ResolvedProject, key: string): Promise<void> {
  const name = nameOnEngine(project, "networks", key);
  if ((await docker.get(`/networks/${encodeURIComponent(name)}`)) !== null) return;
  const entry = project.networks[key] ?? {};
  if (isExternal(entry)) throw absent("network", key, name);
  const ipam = mapOf(entry["ipam"]);
  const config = Array.isArray(ipam["config"]) ? ipam["config"].map(mapOf) : [];
  await docker.change("POST", "/networks/create", {
    Name: name,
    CheckDuplicate: true,
    ...(typeof entry["driver"] === "string" ? { Driver: entry["driver"] } : {}),
    Internal: entry["internal"] === true,
    Attachable: entry["attachable"] === true,
    EnableIPv6: entry["enable_ipv6"] === true,
    Options: texts(entry["driver_opts"]),
    ...(config.length === 0
      ? {}
      : {
          IPAM: {
            Driver: ipam["driver"] ?? "default",
            Config: config.map((each) => ({
              ...text("Subnet", each["subnet"]),
              ...text("Gateway", each["gateway"]),
              ...text("IPRange", each["ip_range"]),
            })),
          },
        }),
    Labels: {
      ...texts(entry["labels"]),
      "com.docker.compose.project": project.name,
      "com.docker.compose.network": key,
    },
  });
}

async function makeVolume(docker: DockerClient, project: ResolvedProject, key: string): Promise<void> {
  const name = nameOnEngine(project, "volumes", key);
  if ((await docker.get(`/volumes/${encodeURIComponent(name)}`)) !== null) return;
  const entry = project.volumes[key] ?? {};
  if (isExternal(entry)) throw absent("volume", key, name);
  await docker.change("POST", "/volumes/create", {
    Name: name,
    ...(typeof entry["driver"] === "string" ? { Driver: entry["driver"] } : {}),
    DriverOpts: texts(entry["driver_opts"]),
    Labels: { ...texts(entry["labels"]), "com.docker.compose.project": project.name, "com.docker.compose.volume": key },
  });
}

const LOOK_MS = 200;

/** Waits until what must be healthy is, as compose would. Faults: dependency-not-healthy. */
export async function untilDependable(
  docker: DockerClient,
  project: string,
  service: string,
  condition: "started" | "healthy",
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const until = performance.now() + timeoutMs;
  for (;;) {
    const found = await containersOfProject(docker, project, service);
    const isGood = ({ State: { Status, Health } }: Inspected): boolean =>
      Status === "running" &&
      (condition === "started" || Health === undefined || Health.Status === "none" || Health.Status === "healthy");
    if (found.some(isGood)) return;
    if (performance.now() > until) throw notHealthy(project, service, condition, found);
    await delay(LOOK_MS, undefined, signal === undefined ? {} : { signal });
  }
}

function notHealthy(project: string, service: string, condition: string, found: readonly Inspected[]): FaultError {
  const [first] = found;
  const state = first === undefined ? "has no container" : `is ${first.State.Health?.Status ?? first.State.Status}`;
  const says = first?.State.Health?.Log?.at(-1)?.Output.trim();
  return new FaultError({
    code: "dependency-not-healthy",
    what: `${service}, which released services depend on, ${condition === "healthy" ? "does not get healthy" : "does not run"}: it ${state}.`,
    where: `the compose project ${project}`,
    ...(says === undefined || says === "" ? {} : { cause: says.slice(0, 300) }),
    fix: `docker compose --project-name ${project} logs ${service}`,
  });
}

function absent(kind: string, key: string, name: string): FaultError {
  return new FaultError({
    code: "compose-external-missing",
    what: `The ${kind} ${name} does not exist on the engine, and the compose file says that somebody else makes it (\`external\`).`,
    where: `${kind}s.${key}`,
    fix: `docker ${kind} create ${name}`,
  });
}

function texts(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(mapOf(value)).map(([name, each]) => [name, textOf(each)]));
}

function text(name: string, value: unknown): Plain {
  return typeof value === "string" ? { [name]: value } : {};
}
