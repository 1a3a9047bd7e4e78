import { FaultError } from "../../core/fault.ts";
import { isOfKind, type Service } from "../../core/plan/plan.ts";
import type { Runtime } from "../../ports/runtime.ts";

/** The runtimes of a plan whose services are not all of one kind. */
export interface RuntimesByKind {
  readonly process: Runtime;
  readonly compose: Runtime;
}

/**
 * One runtime of two: an order goes to the one that runs its service's kind, and an instance to the one that knows it.
 * What a plan no longer has may still run, so both are asked for their instances.
 */
export function runtimeByKind({ process, compose }: RuntimesByKind): Runtime {
  const of = ({ runtime: { kind } }: Service): Runtime => (kind === "compose" ? compose : process);
  const ofInstance = async (id: string): Promise<Runtime> => {
    const theirs = await process.instances();
    return theirs.some((each) => each.id === id) ? process : compose;
  };
  return {
    claim: async (epoch) => {
      await process.claim(epoch);
      await compose.claim(epoch);
    },
    // It has the version's folder made by the other, for services of both kinds.
    prepare: (version, services, signal) =>
      (services.some(isOfKind("compose")) ? compose : process).prepare(version, services, signal),
    start: (order) => of(order.service).start(order),
    stop: async (instance, stopMs) => (await ofInstance(instance)).stop(instance, stopMs),
    instances: async () => (await Promise.all([process.instances(), compose.instances()])).flat(),
    log: async (instance, lines) => (await ofInstance(instance)).log(instance, lines),
    explain: async (instance) => (await ofInstance(instance)).explain(instance),
    adopt: async (order) => {
      try {
        return await compose.adopt(order);
      } catch (error) {
        if (!(error instanceof FaultError) || error.fault.code !== "nothing-listens") throw error;
        return process.adopt(order);
      }
    },
    resume: (order) => compose.resume(order),
    prune: async (keep, inUse) => {
      const living = (await process.instances())
        .filter(({ state }) => state !== "exited")
        .map(({ version }) => version);
      return compose.prune(keep, [...inUse, ...living]);
    },
    commits: (from, to) => process.commits(from, to),
    resolve: (version, services) => process.resolve(version, services),
  };
}
