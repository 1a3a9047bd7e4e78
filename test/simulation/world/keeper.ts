import { FaultError } from "../../../src/core/fault.ts";
import type { InstanceSeen, Slot } from "../../../src/core/observation.ts";
import type { Service } from "../../../src/core/plan/service.ts";
import type { AdoptOrder, Runtime, StartOrder } from "../../../src/ports/runtime.ts";
import type { By, InstanceChange } from "../fact.ts";
import { type Behaviour, fault } from "./app.ts";
import type { Ground } from "./ground.ts";

/** The simulated keeper, and the instances that it looks after. */
export interface Keeper {
  /** As one engine has it; `mine`: the epoch that it goes by. */
  hand(by: number, mine: () => number | null): Runtime;
  instances(): readonly Instance[];
  epoch(): number;
  readonly isServing: (instance: Instance) => boolean;
  at(address: string): Instance | undefined;
  /** Whether whoever claimed this epoch may still change something. Faults: stale-epoch. */
  fence(epoch: number | null): void;
  crash(instance: Instance): void;
  /** It answers as not ready for so long. */
  sicken(instance: Instance, forMs: number): void;
  /** What runs at an address without Tidegate, and can be taken over. */
  runForeign(address: string): void;
}

export interface Instance {
  readonly id: string;
  readonly service: string;
  readonly slot: Slot;
  readonly version: string;
  readonly address: string | undefined;
  readonly isRouted: boolean;
  readonly adopted: boolean;
  readonly behaviour: Behaviour;
  readonly firstLifeAt: number;
  state: InstanceSeen["state"];
  pid: number;
  lifeBeganAt: number;
  /** By the clock on the wall, as it was then. */
  startedAt: number;
  restarts: number;
  sickUntil: number;
  lastExit: InstanceSeen["lastExit"];
  gone: Promise<void> | null;
  callOff: () => void;
}

const BACKOFF_MS = 800;

export function createKeeper(ground: Ground, behaviourOf: (version: string, slot?: Slot) => Behaviour): Keeper {
  const { scheduler, random } = ground;
  const instances = new Map<string, Instance>();
  const prepared = new Map<string, number>();
  const failedPreparations = new Map<string, number>();
  const foreign = new Set<string>();
  let epoch = 0;
  let lastPid = 100;
  let lastPort = 9_000;
  let uses = 0;

  const tell = (instance: Instance, what: InstanceChange, by: By): void =>
    ground.tell({
      kind: "instance",
      by,
      what,
      id: instance.id,
      service: instance.service,
      version: instance.version,
      slot: instance.slot,
      pid: instance.pid,
      routed: instance.isRouted,
    });

  const fence = (asked: number | null): void => {
    if (asked === null || asked >= epoch) return;
    throw new FaultError(fault("stale-epoch", `Another engine has taken over: its epoch is ${epoch}, not ${asked}.`));
  };

  const live = (instance: Instance): void => {
    instance.pid = lastPid += 1;
    instance.lifeBeganAt = scheduler.now();
    instance.startedAt = ground.wall();
    instance.state = "running";
    const { crashAfterMs } = instance.behaviour;
    if (crashAfterMs !== null) instance.callOff = scheduler.after(crashAfterMs, null, () => crash(instance));
  };

  const crash = (instance: Instance): void => {
    if (instance.state !== "running") return;
    instance.callOff();
    instance.state = instance.adopted ? "exited" : "backoff";
    instance.restarts += 1;
    instance.lastExit = { code: 1, signal: null, at: ground.wall() };
    tell(instance, "crashed", "somebody");
    if (instance.adopted) return;
    instance.callOff = scheduler.after(BACKOFF_MS * Math.min(8, instance.restarts), null, () => {
      live(instance);
      tell(instance, "restarted", "keeper");
    });
  };

  const bear = (
    made: Pick<Instance, "id" | "service" | "slot" | "version" | "address" | "isRouted" | "adopted" | "behaviour">,
  ): Instance => {
    const instance: Instance = {
      ...made,
      firstLifeAt: scheduler.now(),
      state: "starting",
      pid: 0,
      lifeBeganAt: 0,
      startedAt: 0,
      restarts: 0,
      sickUntil: 0,
      lastExit: undefined,
      gone: null,
      callOff: () => undefined,
    };
    instances.set(made.id, instance);
    live(instance);
    return instance;
  };

  const start = async (order: StartOrder, by: number): Promise<InstanceSeen> => {
    const { service, slot, version, index } = order;
    const id = `${service.name}-${slot}-${index}-${version}`;
    const before = instances.get(id);
    if (before?.gone !== null) await before?.gone;
    const now = instances.get(id);
    if (now !== undefined && now.state !== "exited") {
      tell(now, "found", by);
      return seen(now);
    }
    const behaviour = behaviourOf(version, slot);
    if (behaviour.startFails || ground.troubles.has("keeper-starts-nothing"))
      throw new FaultError(fault("instance-not-started", `${id} could not be started.`));
    const isAsked = service.routes.length > 0 || service.health !== undefined;
    const instance = bear({
      id,
      service: service.name,
      slot,
      version,
      address: isAsked ? `127.0.0.1:${(lastPort += 1)}` : undefined,
      isRouted: service.routes.length > 0,
      adopted: false,
      behaviour,
    });
    tell(instance, "started", by);
    return seen(instance);
  };

  const end = async (instance: Instance, afterMs: number, by: number): Promise<void> => {
    await scheduler.sleep(afterMs, null);
    instance.state = "exited";
    instance.gone = null;
    instance.lastExit = { code: null, signal: "SIGTERM", at: ground.wall() };
    tell(instance, "stopped", by);
    if (instance.adopted) instances.delete(instance.id);
  };

  const stop = async (id: string, stopMs: number, by: number): Promise<void> => {
    const instance = instances.get(id);
    if (instance === undefined || instance.state === "exited") return;
    if (ground.troubles.has("keeper-stops-nothing"))
      throw new FaultError(fault("process-not-killable", `${id} could not be ended.`));
    instance.callOff();
    if (instance.gone === null) {
      tell(instance, "stopping", by);
      instance.state = "stopping";
      instance.gone = end(instance, random.between(0, stopMs), by);
    }
    await instance.gone;
  };

  const prepare = async (
    version: string,
    signal: AbortSignal,
  ): Promise<{ directory: string; tookMs: number; built: boolean }> => {
    const began = scheduler.now();
    const built = !prepared.has(version);
    const { prepareMs, prepareFails } = behaviourOf(version);
    if (built) {
      await scheduler.sleep(prepareMs, null, signal);
      const failed = (failedPreparations.get(version) ?? 0) + 1;
      failedPreparations.set(version, failed);
      if (failed <= prepareFails) throw new FaultError(fault("build-failed", `The build of ${version} failed.`));
    }
    prepared.set(version, (uses += 1));
    return { directory: `/versions/${version}`, tookMs: scheduler.now() - began, built };
  };

  const prune = (keep: number, inUse: readonly string[]): readonly string[] => {
    const used = new Set([
      ...inUse,
      ...[...instances.values()].filter(({ state }) => state !== "exited").map(({ version }) => version),
    ]);
    const old = [...prepared]
      .filter(([version]) => !used.has(version))
      .sort(([, a], [, b]) => b - a)
      .slice(keep)
      .map(([version]) => version);
    for (const version of old) prepared.delete(version);
    return old;
  };

  const adopt = ({ service, address, version, slot }: AdoptOrder, by: number): InstanceSeen => {
    if (!foreign.has(address)) throw new FaultError(fault("nothing-listens", `Nothing listens at ${address}.`));
    const id = `${service}-${slot}-adopted-${address.replaceAll(/[^A-Za-z0-9.]/g, "-")}`;
    const instance =
      instances.get(id) ??
      bear({ id, service, slot, version, address, isRouted: true, adopted: true, behaviour: behaviourOf(version) });
    tell(instance, "adopted", by);
    return seen(instance);
  };

  const seen = (instance: Instance): InstanceSeen => {
    const { id, service, slot, version, address, state, pid, startedAt, restarts, lastExit, adopted, behaviour } =
      instance;
    const lives = state === "running" || state === "stopping";
    return {
      id,
      service,
      slot,
      version,
      ...(address === undefined ? {} : { address }),
      state,
      ...(lives
        ? { pid, usage: { cpu: 0.2, rssBytes: 50_000_000, memory: behaviour.memory, openFiles: 20, at: ground.wall() } }
        : {}),
      startedAt,
      restarts,
      ...(lastExit === undefined ? {} : { lastExit }),
      adopted,
    };
  };

  const isServing = ({ state, behaviour, lifeBeganAt, firstLifeAt, sickUntil }: Instance): boolean => {
    const { readyAfterMs, unreadyAfterMs } = behaviour;
    const now = scheduler.now();
    if (state !== "running" || readyAfterMs === "never" || now < sickUntil) return false;
    return now - lifeBeganAt >= readyAfterMs && (unreadyAfterMs === null || now - firstLifeAt < unreadyAfterMs);
  };

  return {
    instances: () => [...instances.values()],
    epoch: () => epoch,
    isServing,
    at: (address) => [...instances.values()].find((each) => each.address === address && each.state !== "exited"),
    fence,
    crash,
    sicken: (instance, forMs) => void (instance.sickUntil = scheduler.now() + forMs),
    runForeign: (address) => void foreign.add(address),
    hand: (by, mine) => {
      const write = (): void => {
        fence(mine());
        epoch = Math.max(epoch, mine() ?? 0);
      };
      return {
        claim: async (next) => {
          fence(next);
          epoch = next;
          ground.tell({ kind: "claimed", by, place: "keeper", epoch });
        },
        prepare: (version, _services: readonly Service[], signal) => prepare(version, signal),
        start: async (order) => {
          write();
          return start(order, by);
        },
        stop: async (id, stopMs) => {
          write();
          await stop(id, stopMs, by);
          return {};
        },
        instances: async () => [...instances.values()].map(seen),
        log: async () => [],
        explain: async (id) => fault("instance-not-ready", `${id} was not seen ready.`),
        resume: () => Promise.resolve(),
        adopt: async (order) => adopt(order, by),
        prune: async (keep, inUse) => prune(keep, inUse),
        commits: async () => [],
        resolve: async (version) => ({ version, label: version }),
      };
    },
  };
}
