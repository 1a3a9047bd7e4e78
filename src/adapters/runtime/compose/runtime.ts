import { mkdirSync, readFileSync } from "node:fs";
import { FaultError } from "../../../core/fault.ts";
import type { InstanceSeen } from "../../../core/observation.ts";
import { type ComposeProject, isOfKind, type Service, type ServiceOf } from "../../../core/plan/plan.ts";
import { lock } from "../../../local/exclusive-lock.ts";
import { parseTcpTable } from "../../../local/listening-sockets.ts";
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
import { ensureDependencies, releasedNames } from "./dependencies.ts";
import { dockerAddress } from "./docker-address.ts";
import { dockerClient, type DockerClient } from "./docker-client.ts";
import { noteEngine } from "./engine-record.ts";
import { explainContainer } from "./explain-container.ts";
import {
  ensureImage,
  type ImageOrder,
  makeImage,
  noteImages,
  portOf,
  type PreparedImage,
  preparedImages,
} from "./images.ts";
import { pruneContainers } from "./prune-containers.ts";
import { refusalsOf } from "./refusals.ts";
import { containerWith, isLiving, startContainers } from "./start-container.ts";
import type { ComposeStart } from "./container-of-order.ts";
import { stopContainer } from "./stop-container.ts";
import { readUserProject, type UserProject } from "./user-project.ts";
import { fingerprint } from "./compose-files.ts";
import { type ComposeTool, findCompose } from "./compose-tool.ts";

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
  const { app, environment, services, project, folder, versions, env = process.env } = settings;
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
  const read = projectReader(settings, docker);
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
  const images = (version: string, project: UserProject, signal: AbortSignal): ImageOrder => ({
    folder,
    docker: docker(),
    project,
    app,
    environment,
    version,
    signal,
  });

  const start = async (order: ComposeStart): Promise<InstanceSeen> => {
    epoch.mustBeMine();
    const before = await containerWith(docker(), order);
    if (before !== null && isLiving(before)) return seen(before);
    const place = await startPlace(order);
    epoch.mustBeMine();
    // Compose takes a second for each time that it is asked: the other replicas, which are asked for next, come along.
    const others = Array.from({ length: order.service.replicas }, (_, index) => ({ ...order, index }));
    return seen(await startContainers(place, [order, ...others.filter(({ index }) => index !== order.index)]));
  };

  const startPlace = async (order: ComposeStart) => {
    const { service, version, directory } = order;
    const project = await read(version, directory);
    refuse(project, service);
    const image = await imageOf(images(version, project, new AbortController().signal), directory, service);
    const isAsked = service.routes.length > 0 || service.health !== undefined;
    const place = {
      folder,
      docker: docker(),
      project,
      image,
      env,
      ...(isAsked ? { port: portOf(project, service, image) } : {}),
    };
    await noteEngine(folder, docker().address, { app, environment });
    await ensureDependencies(place, order, releasedNames(services));
    return place;
  };

  return {
    claim: (next) => epoch.claim(next),
    async prepare(version, wanted, signal) {
      const startedAt = performance.now();
      createStateFolder(folder);
      mkdirSync(folder.file("compose"), { recursive: true, mode: 0o700 });
      using _alone = await lock(folder.file("compose", "prepare.lock"), signal);
      const made = await versions.prepare(version, wanted, signal);
      const project = await read(version, made.directory);
      let isMade = made.built;
      for (const service of wanted.filter(isOfKind("compose"))) {
        refuse(project, service);
        const known = preparedImages(folder, made.directory)[service.runtime.service];
        const image = await imageOf(images(version, project, signal), made.directory, service);
        isMade ||= known?.id !== image.id;
        if (service.routes.length > 0 || service.health !== undefined) portOf(project, service, image);
      }
      return { directory: made.directory, tookMs: Math.round(performance.now() - startedAt), built: isMade };
    },
    start(order) {
      const mine = composeOrder(order);
      const id = instanceId(mine);
      const under = starting.get(id) ?? start(mine).finally(() => starting.delete(id));
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
        listening: listeningIn(container),
      });
    },
    async adopt(order) {
      epoch.mustBeMine();
      createStateFolder(folder);
      const found = await parts().adopted.adopt(order, services.filter(isOfKind("compose")));
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

/**
 * Compose takes a while to say what it makes of its files, and a release asks for each instance: as long as none of what
 * it reads has changed, it says the same.
 */
function projectReader({ project, planFolder, env = process.env }: ComposeRuntimeSettings, docker: () => DockerClient) {
  const known = new Map<string, { readonly print: string; readonly read: Promise<UserProject> }>();
  let tool: Promise<ComposeTool> | undefined;
  return async (version: string, versionFolder: string): Promise<UserProject> => {
    const print = fingerprint(project, planFolder, versionFolder, env);
    const before = known.get(versionFolder);
    if (before?.print === print) return before.read;
    tool ??= findCompose(env).catch((error: unknown) => {
      tool = undefined;
      throw error;
    });
    const place = { settings: project, address: docker().address, planFolder, versionFolder, version, env };
    const read = tool.then((found) => readUserProject(place, found));
    known.set(versionFolder, { print, read });
    read.catch(() => known.delete(versionFolder));
    return read;
  };
}

/** The image of a version's service as it was prepared, or prepared now; made again where somebody removed it. */
async function imageOf(order: ImageOrder, directory: string, service: ServiceOf<"compose">): Promise<PreparedImage> {
  const { folder, version } = order;
  const name = service.runtime.service;
  const all = preparedImages(folder, directory);
  const known = all[name];
  if (known !== undefined && (await ensureImage(order, name, known))) return known;
  const image = await makeImage(order, name, service, known === undefined ? all : {});
  await noteImages(folder, directory, version, { ...preparedImages(folder, directory), [name]: image });
  return image;
}

function refuse(project: UserProject, service: ServiceOf<"compose">): void {
  const [first, ...others] = refusalsOf(project.resolved, service.runtime.service, project.files.documents);
  if (first === undefined) return;
  throw new FaultError({
    ...first,
    ...(others.length === 0 ? {} : { detail: others.map(({ what, where }) => `${what} ${where ?? ""}`.trim()) }),
  });
}

/** What listens inside a container of this machine, where its processes may be looked at. */
function listeningIn({ State: { Pid } }: Inspected): readonly { port: number; isLoopback: boolean }[] | null {
  if (Pid <= 0) return null;
  try {
    const tables = ["tcp", "tcp6"].flatMap((name) => parseTcpTable(readFileSync(`/proc/${Pid}/net/${name}`, "utf8")));
    // Where the engine's own resolver listens.
    const apps = tables.filter(({ address }) => address !== "127.0.0.11");
    return apps.map(({ address, port }) => ({ port, isLoopback: address.startsWith("127.") || address === "::1" }));
  } catch {
    return null;
  }
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
