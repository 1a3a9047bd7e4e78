import { type Fault, FaultError } from "../../core/fault.ts";
import type { InstanceSeen, Usage } from "../../core/observation.ts";
import { SECOND, type Duration } from "../../core/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { AdoptOrder, Runtime, StartOrder } from "../../ports/runtime.ts";

/** What happens to the instances that a script is for. */
export interface Behaviour {
  /** From the start of each life to its being ready; by default at once. */
  readonly readyAfterMs?: Duration | "never";
  /** Each life ends with a crash after this long. */
  readonly crashAfterMs?: Duration;
  /** Of a crash; 1 by default. */
  readonly exitCode?: number;
  /** From a crash to the next life. */
  readonly restartAfterMs?: Duration;
  readonly prepareMs?: Duration;
  readonly prepareFault?: Fault;
  readonly startFault?: Fault;
  /** What `explain` answers. */
  readonly explanation?: Fault;
  readonly log?: readonly string[];
  readonly usage?: Usage;
}

export interface RuntimeCall {
  readonly method: keyof Runtime;
  readonly arguments: readonly unknown[];
}

/** A runtime that runs nothing, told beforehand what becomes of each version. Time is its clock's alone. */
export interface MemoryRuntime extends Runtime {
  /** Every call in the order in which they came. */
  readonly calls: readonly RuntimeCall[];
  /** For every version that has no script of its own, or for one. Counts for what is prepared and started from now on. */
  script(behaviour: Behaviour, version?: string): void;
  /** Ends a life now; the next one begins after the restart's wait. */
  crash(instance: string): void;
  /** Ends it now and for good, as if its restarts had been given up. */
  die(instance: string): void;
  /** Whether what listens at this address would answer as ready. */
  isReady(address: string): boolean;
  /** While set, every call throws `runtime-unreachable`. */
  setUnreachable(unreachable: boolean): void;
  /** Another engine's hand on the same world. */
  secondHand(): Runtime;
}

export interface MemoryRuntimeSettings {
  readonly clock: Clock;
  /** Commits, the oldest first, by full name and subject. Absent: every name is a version and there is no history. */
  readonly history?: readonly { readonly version: string; readonly subject: string }[];
}

interface Instance {
  readonly order: StartOrder | AdoptOrder;
  readonly id: string;
  readonly address: string | undefined;
  readonly behaviour: Behaviour;
  /** Monotonic; in the future while it waits for its restart. */
  lifeBegins: number;
  restarts: number;
  ended: boolean;
  lastExit?: InstanceSeen["lastExit"];
}

const FIRST_PORT = 9_000;

export function createMemoryRuntime({ clock, history }: MemoryRuntimeSettings): MemoryRuntime {
  const calls: RuntimeCall[] = [];
  const scripts = new Map<string | undefined, Behaviour>();
  const prepared = new Map<string, { readonly made: Promise<void>; usedAt: number }>();
  const instances = new Map<string, Instance>();
  let highestEpoch = 0;
  let nextPort = FIRST_PORT;
  let uses = 0;
  let unreachable = false;

  const behaviourOf = (version: string): Behaviour => scripts.get(version) ?? scripts.get(undefined) ?? {};
  /** Lets the crashes happen that are due by now. */
  const settled = (instance: Instance): Instance => {
    const { crashAfterMs, restartAfterMs = SECOND } = instance.behaviour;
    if (crashAfterMs === undefined || instance.ended) return instance;
    for (;;) {
      const agoMs = clock.monotonic() - (instance.lifeBegins + crashAfterMs);
      if (agoMs < 0) return instance;
      exit(instance, clock.wall() - agoMs);
      instance.lifeBegins += crashAfterMs + restartAfterMs;
    }
  };
  const named = (id: string): Instance => {
    const instance = instances.get(id);
    if (instance !== undefined) return settled(instance);
    throw new FaultError({ code: "unknown-instance", what: `There is no instance ${id}.` });
  };
  const adopt = (order: AdoptOrder): InstanceSeen => {
    if (order.address === "") throw new FaultError({ code: "nothing-listens", what: "Nothing listens there." });
    const id = `${order.service}-${order.slot}-adopted-${order.address.replaceAll(/[^A-Za-z0-9.]/g, "-")}`;
    const instance = born(id, order, order.address, {});
    instances.set(id, instance);
    return seen(instance);
  };
  const born = (id: string, order: Instance["order"], address: string | undefined, behaviour: Behaviour): Instance => ({
    order,
    id,
    address,
    behaviour,
    lifeBegins: clock.monotonic(),
    restarts: 0,
    ended: false,
  });
  const seen = (instance: Instance): InstanceSeen => {
    const { order, id, address, restarts, ended, lastExit, lifeBegins, behaviour } = settled(instance);
    const waits = clock.monotonic() < lifeBegins;
    return {
      id,
      service: typeof order.service === "string" ? order.service : order.service.name,
      slot: order.slot,
      version: order.version,
      ...(address === undefined ? {} : { address }),
      state: ended ? "exited" : waits ? "backoff" : "running",
      startedAt: clock.wall() - (clock.monotonic() - lifeBegins),
      restarts,
      ...(lastExit === undefined ? {} : { lastExit }),
      ...(behaviour.usage === undefined ? {} : { usage: behaviour.usage }),
      adopted: !("index" in order),
    };
  };

  const hand = (): Runtime => {
    let epoch: number | null = null;
    const called = (method: keyof Runtime, ...args: readonly unknown[]): void => {
      calls.push({ method, arguments: args });
      if (unreachable) throw new FaultError({ code: "runtime-unreachable", what: "The runtime does not answer." });
    };
    const fence = (): void => {
      if (epoch === null || epoch >= highestEpoch) return;
      throw new FaultError({
        code: "stale-epoch",
        what: `Another engine has taken over: its epoch is ${highestEpoch}.`,
      });
    };
    return {
      claim: async (next) => {
        called("claim", next);
        if (next < highestEpoch) {
          throw new FaultError({ code: "stale-epoch", what: `The epoch ${next} is over: it is ${highestEpoch}.` });
        }
        highestEpoch = next;
        epoch = next;
      },
      prepare: async (version, services, signal) => {
        called("prepare", version, services);
        const { prepareMs = 0, prepareFault } = behaviourOf(version);
        const startedAt = clock.monotonic();
        const before = prepared.get(version);
        const made = before?.made ?? (prepareMs === 0 ? Promise.resolve() : clock.sleep(prepareMs, signal));
        prepared.set(version, { made, usedAt: (uses += 1) });
        try {
          await made;
          if (prepareFault !== undefined) throw new FaultError(prepareFault);
        } catch (error) {
          // What failed is made anew the next time.
          prepared.delete(version);
          throw error;
        }
        return {
          directory: `/prepared/${version}`,
          tookMs: clock.monotonic() - startedAt,
          built: before === undefined,
        };
      },
      start: async (order) => {
        called("start", order);
        fence();
        const behaviour = behaviourOf(order.version);
        if (behaviour.startFault !== undefined) throw new FaultError(behaviour.startFault);
        const id = `${order.service.name}-${order.slot}-${order.index}-${order.version}`;
        const before = instances.get(id);
        if (before !== undefined && !before.ended) return seen(before);
        const isAsked = order.service.routes.length > 0 || order.service.health !== undefined;
        const instance = born(id, order, isAsked ? `127.0.0.1:${(nextPort += 1)}` : undefined, behaviour);
        instances.set(id, instance);
        return seen(instance);
      },
      stop: async (id, stopMs) => {
        called("stop", id, stopMs);
        fence();
        const instance = instances.get(id);
        if (instance === undefined || settled(instance).ended) return {};
        instance.ended = true;
        instance.lastExit = { code: null, signal: "SIGTERM", at: clock.wall() };
        if (!("index" in instance.order)) instances.delete(id);
        return {};
      },
      instances: async () => {
        called("instances");
        return [...instances.values()].map(seen);
      },
      log: async (id, lines) => {
        called("log", id, lines);
        return lines === 0 ? [] : (named(id).behaviour.log ?? []).slice(-lines);
      },
      explain: async (id) => {
        called("explain", id);
        const { behaviour, lastExit } = named(id);
        return (
          behaviour.explanation ?? {
            code: lastExit === undefined ? "instance-not-ready" : "instance-exited",
            what: lastExit === undefined ? `${id} was not seen ready.` : `${id} exited with code ${lastExit.code}.`,
            fix: "its last lines say why",
            detail: behaviour.log ?? [],
          }
        );
      },
      adopt: async (order) => {
        called("adopt", order);
        return adopt(order);
      },
      prune: async (keep, inUse) => {
        called("prune", keep, inUse);
        const running = [...instances.values()]
          .filter((each) => !settled(each).ended)
          .map(({ order }) => order.version);
        const old = [...prepared]
          .filter(([version]) => !inUse.includes(version) && !running.includes(version))
          .sort(([, a], [, b]) => b.usedAt - a.usedAt)
          .slice(keep)
          .map(([version]) => version);
        for (const version of old) prepared.delete(version);
        return old;
      },
      commits: async (from, to) => {
        called("commits", from, to);
        const at = (version: string): number => history?.findIndex((commit) => commit.version === version) ?? -1;
        if (at(from) === -1 || at(to) === -1) return [];
        return (history ?? [])
          .slice(at(from) + 1, at(to) + 1)
          .map(({ subject }) => subject)
          .toReversed();
      },
      resolve: async (version) => {
        called("resolve", version);
        if (history === undefined) return { version, label: version };
        const found = version === "HEAD" ? history.at(-1) : history.find((commit) => commit.version === version);
        if (found !== undefined) return { version: found.version, label: found.version };
        throw new FaultError({
          code: "unknown-version",
          what: `There is no version "${version}" here.`,
          fix: `the versions are: ${history.map((commit) => commit.version).join(", ")}`,
        });
      },
    };
  };

  return {
    ...hand(),
    calls,
    script: (behaviour, version) => void scripts.set(version, behaviour),
    crash(id) {
      const instance = named(id);
      exit(instance, clock.wall());
      instance.lifeBegins = clock.monotonic() + (instance.behaviour.restartAfterMs ?? SECOND);
    },
    die(id) {
      const instance = named(id);
      exit(instance, clock.wall());
      instance.ended = true;
    },
    isReady(address) {
      const instance = [...instances.values()].find((each) => each.address === address && !settled(each).ended);
      const after = instance?.behaviour.readyAfterMs ?? 0;
      return instance !== undefined && after !== "never" && clock.monotonic() >= instance.lifeBegins + after;
    },
    setUnreachable: (now) => void (unreachable = now),
    secondHand: hand,
  };
}

function exit(instance: Instance, at: number): void {
  instance.restarts += 1;
  instance.lastExit = { code: instance.behaviour.exitCode ?? 1, signal: null, at };
}
