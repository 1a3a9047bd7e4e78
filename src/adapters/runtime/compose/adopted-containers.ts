import { mkdirSync, readFileSync } from "node:fs";
import type { InstanceSeen, Slot, Usage } from "../../../core/observation.ts";
import type { ServiceOf } from "../../../core/plan/service.ts";
import { writeFileAtomically } from "../../../local/atomic-file.ts";
import type { StateFolder } from "../../../local/state-folder.ts";
import type { AdoptOrder, ResumeOrder } from "../../../ports/runtime.ts";
import type { DockerClient } from "./docker-client.ts";
import { exitSeen, findContainers, inspect, type Inspected, stateOf, timeOf } from "./containers.ts";
import { addressBy, insideAt, type Reached, wayTo } from "./adopted-address.ts";
import { containersOfProject } from "./shared-part.ts";

/** A container of the user's own project that was taken over: it takes traffic as it is, and is stopped when it is retired. */
interface Adopted {
  readonly id: string;
  readonly container: string;
  readonly app: string;
  readonly environment: string;
  readonly service: string;
  readonly version: string;
  readonly slot: Slot;
  /** Of the one that was named. */
  readonly address?: string;
  /** Of the others that take requests. */
  readonly reached?: Reached;
  /** The restart policy that it had, which is taken away while it is stopped. */
  readonly restart: string;
}

/** Where a service's container takes requests inside. */
export type PortOf = (service: ServiceOf<"compose">, container: Inspected) => number | Promise<number>;

export interface AdoptedContainers {
  /**
   * Takes over the container that answers at the order's address, its replicas, and those of the plan's other services in
   * the same project, which belong to the same version: those that take requests with where they take them. `portOf`: the
   * port inside. null: no container of this engine has that address.
   */
  adopt(order: AdoptOrder, services: readonly ServiceOf<"compose">[], portOf: PortOf): Promise<InstanceSeen | null>;
  list(usage: (container: Inspected) => Usage | null): Promise<readonly InstanceSeen[]>;
  containerOf(instance: string): Promise<Inspected | null>;
  has(instance: string): boolean;
  /** Starts those again that have been stopped, as they were. */
  resume(order: ResumeOrder): Promise<void>;
}

export function adoptedContainers(
  folder: StateFolder,
  docker: DockerClient,
  of: { readonly app: string; readonly environment: string },
): AdoptedContainers {
  const file = folder.file("compose", "adopted.json");
  const all = (): readonly Adopted[] => {
    try {
      return JSON.parse(readFileSync(file, "utf8")) as readonly Adopted[];
    } catch {
      return [];
    }
  };
  const isMine = ({ app, environment }: Adopted): boolean => app === of.app && environment === of.environment;
  const write = async (adopted: readonly Adopted[]): Promise<void> => {
    mkdirSync(folder.file("compose"), { recursive: true, mode: 0o700 });
    await writeFileAtomically(file, `${JSON.stringify(adopted, null, 1)}\n`);
  };
  return {
    async adopt(order, services, portOf) {
      const found = await containerAt(docker, order.address);
      if (found === null) return null;
      const family = await siblingsOf(docker, found, order.service, services);
      const ways = await waysTo(found, family, order.address, services, portOf);
      const fresh = family.map(({ service, container, index }): Adopted => {
        const reached = ways.get(container.Id);
        return {
          id: `${service}-${order.slot}-adopted-${index}`,
          container: container.Id,
          app: order.app,
          environment: order.environment,
          service,
          version: order.version,
          slot: order.slot,
          restart: container.HostConfig.RestartPolicy.Name,
          ...(container.Id === found.Id ? { address: order.address } : reached === undefined ? {} : { reached }),
        };
      });
      await write([...all().filter((each) => !isMine(each)), ...fresh]);
      const mine = fresh.find(({ container }) => container === found.Id);
      return mine === undefined ? null : seen(mine, found, null);
    },
    async list(usage) {
      const looked = await Promise.all(
        all()
          .filter(isMine)
          .map(async (each) => {
            const container = await inspect(docker, each.container);
            return container === null ? [] : [seen(each, container, usage(container))];
          }),
      );
      return looked.flat();
    },
    async containerOf(instance) {
      const known = all().find(({ id }) => id === instance);
      return known === undefined ? null : inspect(docker, known.container);
    },
    has: (instance) => all().some((each) => isMine(each) && each.id === instance),
    async resume({ version, slot, services }) {
      const wanted = all().filter(
        (each) => isMine(each) && each.version === version && each.slot === slot && services.includes(each.service),
      );
      for (const { container, restart } of wanted) {
        const found = await inspect(docker, container);
        if (found === null || stateOf(found) !== "exited") continue;
        await docker.change("POST", `/containers/${container}/update`, { RestartPolicy: { Name: restart } });
        await docker.change("POST", `/containers/${container}/start`);
      }
    },
  };
}

function seen(
  { id, service, slot, version, address: named, reached }: Adopted,
  container: Inspected,
  usage: Usage | null,
): InstanceSeen {
  const { State, RestartCount } = container;
  const startedAt = timeOf(State.StartedAt);
  const finishedAt = timeOf(State.FinishedAt);
  const state = stateOf(container);
  const address = named ?? (reached === undefined ? undefined : addressBy(reached, container));
  return {
    id,
    service,
    slot,
    version,
    ...(address === undefined ? {} : { address }),
    state,
    ...(State.Pid > 0 ? { pid: State.Pid } : {}),
    ...(startedAt === undefined ? {} : { startedAt }),
    restarts: RestartCount,
    ...(state === "exited" && finishedAt !== undefined
      ? { lastExit: exitSeen({ code: State.ExitCode, isOutOfMemory: State.OOMKilled, at: finishedAt }) }
      : {}),
    ...(usage === null ? {} : { usage }),
    adopted: true,
  };
}

/** The running container that has the address as its own, or publishes it. */
async function containerAt(docker: DockerClient, address: string): Promise<Inspected | null> {
  const at = address.lastIndexOf(":");
  const [host, port] = [address.slice(0, at).replaceAll(/[[\]]/g, ""), address.slice(at + 1)];
  const running = (await findContainers(docker, {})).filter(({ State: { Status } }) => Status === "running");
  return (
    running.find(({ NetworkSettings: { Networks } }) =>
      Object.values(Networks).some(({ IPAddress }) => IPAddress === host),
    ) ??
    running.find(({ NetworkSettings: { Ports = {} } }) =>
      Object.values(Ports).some(
        (published) => published?.some(({ HostIp, HostPort }) => HostPort === port && reaches(HostIp, host)) === true,
      ),
    ) ??
    null
  );
}

function reaches(published: string, host: string): boolean {
  const isAny = published === "" || published === "0.0.0.0" || published === "::";
  return isAny || published === host || (published === "127.0.0.1" && host === "localhost");
}

interface Sibling {
  readonly service: string;
  readonly container: Inspected;
  readonly index: number;
}

/** All replicas of the found one's service, and of the plan's other services: to be stopped together one day. */
async function siblingsOf(
  docker: DockerClient,
  found: Inspected,
  service: string,
  services: readonly ServiceOf<"compose">[],
): Promise<readonly Sibling[]> {
  const project = found.Config.Labels?.["com.docker.compose.project"];
  const alone = [{ service, container: found, index: 0 }];
  if (project === undefined) return alone;
  const family = await Promise.all(
    services.map(async ({ name, runtime }) =>
      (await containersOfProject(docker, project, runtime.service))
        .filter(({ State: { Status } }) => Status === "running")
        // The one that was named is the first of its service.
        .toSorted((one, other) => Number(other.Id === found.Id) - Number(one.Id === found.Id))
        .map((container, index) => ({ service: name, container, index })),
    ),
  );
  const all = family
    .flat()
    .toSorted((one, other) => Number(other.service === service) - Number(one.service === service));
  return all.some(({ container }) => container.Id === found.Id)
    ? all
    : [...alone, ...all.filter((each) => each.service !== service)];
}

/** By container: how those of the family take requests that have a part of the traffic. One that accepts none is left out. */
async function waysTo(
  found: Inspected,
  family: readonly Sibling[],
  address: string,
  services: readonly ServiceOf<"compose">[],
  portOf: PortOf,
): Promise<ReadonlyMap<string, Reached>> {
  const host = address.slice(0, address.lastIndexOf(":"));
  const named = family.find(({ container }) => container.Id === found.Id)?.service;
  const known = await Promise.all(
    family.map(async ({ service: name, container }) => {
      const service = services.find((each) => each.name === name);
      if (service === undefined || service.routes.length === 0 || container.Id === found.Id) return [];
      const inside = (name === named ? insideAt(found, address) : null) ?? (await portOf(service, container));
      const way = await wayTo(container, inside, host);
      return way === null ? [] : [[container.Id, way] as const];
    }),
  );
  return new Map(known.flat());
}
