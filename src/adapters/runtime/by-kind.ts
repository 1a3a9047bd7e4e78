import { FaultError } from "../../core/fault.ts";
import { isOfKind, type Service } from "../../core/plan/service.ts";
import type { Runtime } from "../../ports/runtime.ts";

/**
 * The runtimes of a plan whose services are not all processes under the keeper. Each but the first has a version's folder
 * made, and old ones removed, by the one before: the last one stands for all of them there.
 */
export interface RuntimesByKind {
  readonly process: Runtime;
  readonly systemd?: Runtime;
  readonly compose?: Runtime;
}

/**
 * One runtime of several: an order goes to the one that runs its service's kind, and an instance to the one that knows it.
 * What a plan no longer has may still run, so all are asked for their instances.
 */
export function runtimeByKind({ process, systemd, compose }: RuntimesByKind): Runtime {
  const all = [process, systemd, compose].filter((each) => each !== undefined);
  const last = all.at(-1) as Runtime;
  const of = ({ runtime: { kind } }: Service): Runtime =>
    (kind === "compose" ? compose : kind === "systemd" ? systemd : process) ?? process;
  const ofInstance = async (id: string): Promise<Runtime> => {
    for (const runtime of all.slice(0, -1)) {
      if ((await runtime.instances()).some((each) => each.id === id)) return runtime;
    }
    return last;
  };
  return {
    claim: async (epoch) => {
      for (const runtime of all) await runtime.claim(epoch);
    },
    // It has the version's folder made by the others, for services of all kinds.
    prepare: (version, services, signal) =>
      (services.some(isOfKind("compose")) ? last : (systemd ?? process)).prepare(version, services, signal),
    start: (order) => of(order.service).start(order),
    stop: async (instance, stopMs) => (await ofInstance(instance)).stop(instance, stopMs),
    instances: async () => (await Promise.all(all.map((runtime) => runtime.instances()))).flat(),
    log: async (instance, lines) => (await ofInstance(instance)).log(instance, lines),
    explain: async (instance) => (await ofInstance(instance)).explain(instance),
    adopt: async (order) => {
      try {
        return await last.adopt(order);
      } catch (error) {
        const isElsewhere = error instanceof FaultError && error.fault.code === "nothing-listens";
        if (last !== compose || !isElsewhere) throw error;
        return (systemd ?? process).adopt(order);
      }
    },
    resume: async (order) => {
      for (const runtime of all) await runtime.resume(order);
    },
    prune: async (keep, inUse) => {
      const living = (await Promise.all(all.slice(0, -1).map((runtime) => runtime.instances())))
        .flat()
        .filter(({ state }) => state !== "exited")
        .map(({ version }) => version);
      return last.prune(keep, [...inUse, ...living]);
    },
    commits: (from, to) => process.commits(from, to),
    resolve: (version, services) => process.resolve(version, services),
  };
}
