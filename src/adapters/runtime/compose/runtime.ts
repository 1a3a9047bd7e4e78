import { mkdirSync } from "node:fs";
import { FaultError } from "../../../core/fault.ts";
import type { InstanceSeen } from "../../../core/observation.ts";
import type { ComposeProject } from "../../../core/plan/compose.ts";
import { isOfKind, type Service } from "../../../core/plan/service.ts";
import { lock } from "../../../local/exclusive-lock.ts";
import { createStateFolder, type StateFolder } from "../../../local/state-folder.ts";
import type { Runtime, StartOrder } from "../../../ports/runtime.ts";
import { instanceId } from "../instance-id.ts";
import { adoptedContainers } from "./adopted-containers.ts";
import { claimedEpoch } from "../claimed-epoch.ts";
import { containerExits } from "./container-exits.ts";
import { containerLiveness } from "./container-liveness.ts";
import { containerLog } from "./container-log.ts";
import { containerUsage } from "./container-usage.ts";
import {
  findContainers,
  type Inspected,
  instanceOf,
  isInstance,
  LABEL,
  labelOf,
  stateOf,
  placeLabels,
} from "./containers.ts";
import { dockerAddress } from "./docker-address.ts";
import { dockerClient, type DockerClient } from "./docker-client.ts";
import { containerStarter, isAsked } from "./container-starter.ts";
import { noteEngine } from "./engine-record.ts";
import { explainContainer } from "./explain-container.ts";
import { imageOfVersion } from "./image-of-version.ts";
import { portNamedBy, portOf } from "./container-port.ts";
import { preparedImages } from "./prepared-images.ts";
import { listeningInside } from "./listening-inside.ts";
import { projectReader } from "./project-reader.ts";
import { pruneContainers } from "./prune-containers.ts";
import { mustBeReleasable } from "./refusals.ts";
import type { ComposeStart } from "./container-of-order.ts";
import { stopContainer } from "./stop-container.ts";

export interface ComposeRuntimeSettings {
  readonly app: string;
  readonly environment: string;
  /** Of the plan's; those of other kinds too, because a version's folder is made for all of them. */
  readonly services: readonly Service[];
  readonly project: ComposeProject;
  readonly planFolder: string;
  readonly folder: StateFolder;
  /** By default this process's own environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Makes the folders of versions, and knows their names. */
  readonly versions: Pick<Runtime, "prepare" | "prune" | "commits" | "resolve">;
}

const EXPLAINED_LINES = 60;

/** Instances as containers of the user's compose project, one project a slot; the engine restarts them. */
export function createComposeRuntime(settings: ComposeRuntimeSettings): Runtime {
  const { app, environment, services, project, planFolder, folder, versions, env = process.env } = settings;
  let connected: DockerClient | undefined;
  // A context that is not there is told when it is needed, as every other mistake.
  const docker = (): DockerClient => (connected ??= dockerClient(dockerAddress(project, env)));
  const parts = lazily(() => ({
    exits: containerExits(docker()),
    usage: containerUsage(docker()),
    liveness: containerLiveness(folder, docker()),
    adopted: adoptedContainers(folder, docker(), { app, environment }),
  }));
  const epoch = claimedEpoch(folder, "compose");
  const read = projectReader({ project, planFolder, env, docker });
  const starting = new Map<string, Promise<InstanceSeen>>();

  const seen = async (container: Inspected): Promise<InstanceSeen> => {
    const { exits, usage, liveness } = parts();
    const used = stateOf(container) === "running" ? usage.of(container) : null;
    const found = instanceOf(container, await exits.lastOf(container), used);
    // Who only looks restarts nothing.
    if (epoch.isClaimed()) liveness.watch(container, found.address);
    return { ...found, restarts: found.restarts + liveness.restartsOf(container) };
  };
  const own = async (): Promise<readonly Inspected[]> =>
    (await findContainers(docker(), placeLabels({ app, environment }))).filter(isInstance);
  const find = async (id: string): Promise<Inspected | null> => {
    if (parts().adopted.has(id)) return parts().adopted.containerOf(id);
    const [found] = await findContainers(docker(), { ...placeLabels({ app, environment }), [LABEL.instance]: id });
    return found ?? null;
  };
  const start = containerStarter({ app, environment, services, folder, env, docker, read, epoch });

  return {
    claim: (next) => epoch.claim(next),
    async prepare(version, wanted, signal) {
      const startedAt = performance.now();
      createStateFolder(folder);
      mkdirSync(folder.file("compose"), { recursive: true, mode: 0o700 });
      using _alone = await lock(folder.file("compose", "prepare.lock"), signal);
      // Of a rehearsal everything is taken away, images too, and those are made before any container is.
      if (settings.project.rehearsal !== undefined) await noteEngine(folder, docker().address, { app, environment });
      const made = await versions.prepare(version, wanted, signal);
      const project = await read(version, made.directory);
      let isMade = made.built;
      for (const service of wanted.filter(isOfKind("compose"))) {
        mustBeReleasable(project, service);
        const known = preparedImages(folder, made.directory)[service.runtime.service];
        const order = { folder, docker: docker(), project, app, environment, version, signal };
        const image = await imageOfVersion(order, made.directory, service);
        isMade ||= known?.id !== image.id;
        if (isAsked(service)) portOf(project, service, image);
      }
      return { directory: made.directory, tookMs: Math.round(performance.now() - startedAt), built: isMade };
    },
    start(order) {
      const mine = composeOrder(order);
      const id = instanceId(mine);
      const under =
        starting.get(id) ??
        start(mine)
          .then(seen)
          .finally(() => starting.delete(id));
      starting.set(id, under);
      return under;
    },
    async stop(instance, stopMs) {
      epoch.mustBeMine();
      const container = await find(instance);
      if (container === null || stateOf(container) === "exited") return {};
      return stopContainer(docker(), container, stopMs);
    },
    async instances() {
      const [mine, adopted] = await Promise.all([
        own().then((all) => Promise.all(all.map(seen))),
        parts().adopted.list((container) => parts().usage.of(container)),
      ]);
      return [...adopted, ...mine];
    },
    async log(instance, lines) {
      const container = await find(instance);
      return container === null ? [] : containerLog(docker(), container, lines).catch(unlessUnreachable);
    },
    async explain(instance) {
      const container = await find(instance);
      if (container === null)
        throw new FaultError({ code: "unknown-instance", what: `There is no container of ${instance}.` });
      const log = await containerLog(docker(), container, EXPLAINED_LINES).catch(unlessUnreachable);
      return explainContainer({
        container,
        exit: await parts().exits.lastOf(container),
        log,
        listening: listeningInside(container),
      });
    },
    async adopt(order) {
      epoch.mustBeMine();
      createStateFolder(folder);
      const found = await parts().adopted.adopt(
        order,
        services.filter(isOfKind("compose")),
        async (service, container) => portOf(await read(order.version, planFolder), service, portNamedBy(container)),
      );
      if (found === null) throw noContainerAt(order.address);
      await noteEngine(folder, docker().address, { app, environment });
      return found;
    },
    async resume(order) {
      epoch.mustBeMine();
      await parts().adopted.resume(order);
    },
    async prune(keep, inUse) {
      const all = await own();
      const living = all.filter((each) => stateOf(each) !== "exited").map((each) => labelOf(each, LABEL.version) ?? "");
      const removed = await versions.prune(keep, [...inUse, ...living]);
      await pruneContainers({ docker: docker(), folder, app, environment }, all, removed, [...inUse, ...living]);
      return removed;
    },
    commits: (from, to) => versions.commits(from, to),
    resolve: (version, of) => versions.resolve(version, of),
  };
}

/** Whoever asks has chosen the runtime by the service. */
function composeOrder(order: StartOrder): ComposeStart {
  const { service } = order;
  if (!isOfKind("compose")(service)) throw new Error(`${service.name} is no service of a compose file.`);
  return { ...order, service };
}

/** A log driver that can't be read is no trouble of the instance's. */
function unlessUnreachable(error: unknown): readonly string[] {
  if (error instanceof FaultError && error.fault.code === "runtime-unreachable") throw error;
  return [];
}

function noContainerAt(address: string): FaultError {
  return new FaultError({
    code: "nothing-listens",
    what: `No running container of the Docker engine has the address ${address} or publishes that port, so there is nothing to take over.`,
    where: address,
    fix: "docker ps shows which ports are published where: tidegate release --adopt 127.0.0.1:PORT",
  });
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
