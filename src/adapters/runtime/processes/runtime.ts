import { type Fault, FaultError } from "../../../core/fault.ts";
import type { InstanceSeen } from "../../../core/observation.ts";
import type { Service } from "../../../core/plan/service.ts";
import type { InstanceState } from "../../../keeper/protocol.ts";
import { socketsOf } from "../../../local/listening-sockets.ts";
import { familyOf } from "../../../local/process-family.ts";
import { identify } from "../../../local/process-identity.ts";
import type { Runtime } from "../../../ports/runtime.ts";
import { adoptedInstances } from "./adopted.ts";
import { missingEnvironmentFiles } from "../versions/copied-files.ts";
import { explainFailedStart } from "../diagnose.ts";
import { instanceId } from "../instance-id.ts";
import { INSTANCE_HOST, lineOrder } from "../line-program.ts";
import { instanceSeen } from "./instance-order.ts";
import type { KeeperStart } from "./ensure-keeper.ts";
import { type KeeperClient, keeperClient } from "./keeper-client.ts";
import { prepareVersion } from "../versions/prepare.ts";
import { pruneVersions } from "../versions/prune.ts";
import { startInstance } from "./start.ts";
import { commitsBetween, resolveVersion } from "../versions/version-names.ts";

/** With what starts a keeper where none runs. */
export interface ProcessRuntimeSettings extends KeeperStart {
  readonly app: string;
  readonly environment: string;
  /** Of the plan's: whether versions come from git depends on them. */
  readonly services: readonly Service[];
  /** Folder of the plan file. */
  readonly planFolder: string;
  /** By default this process's own environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

const EXPLAINED_LINES = 60;

/** Instances as plain processes under the keeper; versions as git worktrees or what `prepare:` makes. */
export function createProcessRuntime(settings: ProcessRuntimeSettings): Runtime {
  const { app, environment, services, planFolder, folder, env = process.env } = settings;
  const keeper = keeperClient(settings);
  const adopted = adoptedInstances(folder);
  const starting = new Map<string, Promise<InstanceSeen>>();
  return {
    claim: (epoch) => keeper.claim(epoch),
    prepare: (version, services, signal) => prepareVersion({ folder, planFolder, env }, version, services, signal),
    start(order) {
      const id = instanceId(order);
      // One after the other would choose two ports for the same instance.
      const start = starting.get(id) ?? startInstance(keeper, lineOrder(order), env).finally(() => starting.delete(id));
      starting.set(id, start);
      return start;
    },
    async stop(instance, stopMs) {
      if (adopted.has(instance)) return adopted.stop(instance, stopMs);
      const stopped = await keeper.remove(instance, stopMs);
      return stopped?.wasKilled === true ? { wasKilled: true } : {};
    },
    async instances() {
      const own = ((await keeper.state())?.instances ?? [])
        .filter(({ spec }) => spec.labels["app"] === app && spec.labels["environment"] === environment)
        .map(instanceSeen);
      return [...(await adopted.list(app, environment)), ...own];
    },
    log: async (instance, lines) => (adopted.has(instance) ? [] : keeper.log(instance, lines)),
    explain: async (instance) =>
      adopted.has(instance)
        ? adoptedGone(await adopted.list(app, environment), instance)
        : explain(keeper, planFolder, instance),
    async adopt(order) {
      await refuseOwnPort(keeper, order.address);
      return adopted.adopt(order);
    },
    // Nobody here knows how somebody else started it.
    resume: () => Promise.resolve(),
    async prune(keep, inUse) {
      const living = ((await keeper.state())?.instances ?? []).filter(({ state }) => state !== "exited");
      const versions = new Set([...inUse, ...living.map(({ spec }) => spec.labels["version"] ?? "")]);
      return pruneVersions(folder, planFolder, keep, versions);
    },
    commits: (from, to) => commitsBetween(planFolder, from, to),
    resolve: (version, of = services) => resolveVersion({ planFolder, services: of }, version),
  };
}

async function explain(keeper: KeeperClient, planFolder: string, id: string): Promise<Fault> {
  const found = (await keeper.state())?.instances.find(({ spec }) => spec.id === id);
  if (found === undefined) {
    throw new FaultError({ code: "unknown-instance", what: `The keeper knows no instance ${id}.` });
  }
  const { labels, directory } = found.spec;
  const files = JSON.parse(labels["files"] ?? "[]") as readonly string[];
  return explainFailedStart({
    service: labels["service"] ?? "",
    instance: instanceSeen(found),
    log: await keeper.log(id, EXPLAINED_LINES),
    logFile: found.logFile,
    host: INSTANCE_HOST,
    expectedPort: Number(labels["port"]),
    listening: listeningOf(found),
    run: labels["run"] ?? found.spec.command,
    folder: directory,
    missingFiles: await missingEnvironmentFiles(planFolder, labels["prepared"] ?? directory, {
      directory: labels["serviceFolder"] ?? ".",
      files,
    }),
    livedMs: livedMs(found),
  });
}

function listeningOf({ pid }: InstanceState): ReturnType<typeof socketsOf> | null {
  if (process.platform !== "linux") return null;
  const identity = pid === undefined ? null : identify(pid);
  return identity === null ? [] : socketsOf(familyOf(identity).map((row) => row.pid));
}

/** Null when another life has begun since: nobody noted when the one before did. */
function livedMs({ state, startedAt, lastExit }: InstanceState): number | null {
  if (startedAt === undefined) return null;
  if (state === "running") return Date.now() - startedAt;
  return lastExit !== undefined && lastExit.at >= startedAt ? lastExit.at - startedAt : null;
}

function adoptedGone(instances: readonly InstanceSeen[], id: string): Fault {
  const address = instances.find((instance) => instance.id === id)?.address;
  return {
    code: "instance-not-ready",
    what: `What was taken over at ${address ?? "an unknown address"} does not answer as ready.`,
    fix: "Tidegate did not start it and doesn't restart it: look after it where it was started",
  };
}

/** The front door can't stand behind itself. */
async function refuseOwnPort(keeper: KeeperClient, address: string): Promise<void> {
  const port = Number(address.slice(address.lastIndexOf(":") + 1));
  const own = (await keeper.state())?.proxy?.spec.listeners.some((listener) => listener.port === port) ?? false;
  if (!own) return;
  throw new FaultError({
    code: "adopt-own-port",
    what: `Port ${port} is Tidegate's own front door; what stands behind it can't be taken over there.`,
    where: address,
    fix: "give the address on which the service itself listens",
  });
}
