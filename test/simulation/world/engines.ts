import { faultOf } from "../../../src/core/fault.ts";
import type { Engine, EngineOptions, Ports } from "../../../src/engine/api.ts";
import { createEngine } from "../../../src/engine/engine.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { Runtime } from "../../../src/ports/runtime.ts";
import type { Traffic } from "../../../src/ports/traffic.ts";
import type { Ground } from "./ground.ts";
import type { Keeper } from "./keeper.ts";
import type { Plane } from "./plane.ts";
import type { Store } from "./store.ts";
import type { createDatabase } from "./database.ts";
import type { createTasks } from "./tasks.ts";
import { createWire, type EngineProcess, type Wire } from "./wire.ts";

/** The processes in which engines live: born, killed, stopped for a while, told to end. */
export interface Engines {
  /** A process that wants to act; one that finds another acting tries again as long as it `waits`. */
  begin(doom: EngineProcess["doom"], waits: boolean): EngineProcess;
  /** The one that acts, as people find it; null: nobody, or nobody who answers. */
  acting(): Acting | null;
  living(): readonly EngineProcess[];
  kill(process: EngineProcess, at: string): void;
  stop(process: EngineProcess): void;
  resume(process: EngineProcess): void;
  /** Another command of the command line, in a process of its own. */
  beside(): EngineProcess;
  /** Ctrl-C: it stops acting and ends. */
  dispose(process: EngineProcess): void;
}

export interface Acting {
  readonly process: EngineProcess;
  readonly engine: Engine;
}

export interface EnginesSettings {
  readonly ground: Ground;
  readonly store: Store;
  readonly keeper: Keeper;
  readonly plane: Plane;
  readonly tasks: ReturnType<typeof createTasks>;
  readonly database: ReturnType<typeof createDatabase>;
  readonly options: Omit<EngineOptions, "engineToken" | "secrets">;
}

export function createEngines({ ground, store, keeper, plane, tasks, database, options }: EnginesSettings): Engines {
  const { scheduler } = ground;
  const processes: EngineProcess[] = [];
  const engines = new Map<EngineProcess, Engine>();
  let lastId = 0;

  const kill: Engines["kill"] = (process, at) => {
    if (!process.alive) return;
    process.alive = false;
    store.free(process);
    ground.tell({ kind: "process", by: process.id, what: "killed", detail: at });
  };
  const wire = createWire(ground, kill);

  const act = async (process: EngineProcess, waits: boolean): Promise<void> => {
    const ports = portsOf(process, wire, { ground, store, keeper, plane, tasks, database });
    try {
      for (;;) {
        const start = await createEngine(ports, { engineToken: "token", secrets: {}, ...options });
        if (start.kind === "acting") {
          engines.set(process, start.engine);
          void endWhenFenced(process, start.engine);
          ground.tell({ kind: "acting", by: process.id, epoch: start.engine.epoch });
          return;
        }
        ground.tell({ kind: "process", by: process.id, what: "found-another" });
        if (!waits) break;
        await ports.clock.sleep(1_000);
      }
    } catch (error) {
      ground.tell({
        kind: "process",
        by: process.id,
        what: "failed-to-start",
        detail: faultOf(error, "engine", "").code,
      });
    }
    end(process);
  };

  const endWhenFenced = async (process: EngineProcess, engine: Engine): Promise<void> => {
    const { code } = await engine.untilFenced;
    ground.tell({ kind: "process", by: process.id, what: "fenced", detail: code });
    end(process);
  };

  const dispose = async (process: EngineProcess, engine: Engine): Promise<void> => {
    await engine[Symbol.asyncDispose]();
    ground.tell({ kind: "process", by: process.id, what: "disposed" });
    end(process);
  };

  const end = (process: EngineProcess): void => {
    process.alive = false;
    store.free(process);
  };

  const born = (doom: EngineProcess["doom"]): EngineProcess => {
    lastId += 1;
    return {
      id: lastId,
      bornAt: scheduler.now(),
      alive: true,
      stopped: false,
      late: [],
      doom,
      appending: 0,
      isOwed: false,
    };
  };

  return {
    beside: () => born(null),
    begin: (doom, waits) => {
      const process = born(doom);
      processes.push(process);
      ground.tell({ kind: "process", by: process.id, what: "born" });
      scheduler.after(0, process, () => void act(process, waits));
      return process;
    },
    acting: () => {
      const process = processes.findLast(
        (each) => each.alive && !each.stopped && engines.has(each) && store.holder() === each,
      );
      const engine = process === undefined ? undefined : engines.get(process);
      return process === undefined || engine === undefined ? null : { process, engine };
    },
    living: () => processes.filter(({ alive }) => alive),
    kill,
    stop: (process) => {
      scheduler.stop(process);
      ground.tell({ kind: "process", by: process.id, what: "stopped" });
    },
    resume: (process) => {
      if (!process.alive || !process.stopped) return;
      scheduler.resume(process);
      ground.tell({ kind: "process", by: process.id, what: "resumed" });
    },
    dispose: (process) => {
      const engine = engines.get(process);
      if (engine === undefined) return kill(process, "before it acted");
      void dispose(process, engine);
    },
  };
}

function portsOf(
  process: EngineProcess,
  wire: Wire,
  { ground, store, keeper, plane, tasks, database }: Omit<EnginesSettings, "options">,
): Ports {
  const { scheduler } = ground;
  const clock: Clock = {
    wall: () => ground.wall(),
    monotonic: () => scheduler.now() - process.bornAt,
    sleep: (ms, signal) => (process.alive ? scheduler.sleep(ms, process, signal) : new Promise(() => undefined)),
  };
  return {
    clock,
    journal: store.open(process, wire),
    emergencies: store.emergencies(process, wire),
    traffic: remoteTraffic(process, wire, plane.hand(process.id), keeper, ground),
    runtime: remoteRuntime(process, wire, keeper),
    ...tasks(process, wire),
    databases: database(process, wire),
  };
}

export function remoteTraffic(
  process: EngineProcess,
  wire: Wire,
  plane: Traffic,
  keeper: Keeper,
  ground: Ground,
): Traffic {
  const call = <T>(method: keyof Traffic, changes: boolean, work: () => Promise<T>): Promise<T> =>
    wire
      .remote(process, { place: "plane", method: `plane.${method}`, changes, unreachable: "traffic-unreachable" }, work)
      .catch((error: unknown) => {
        ground.tell({ kind: "refused", by: process.id, method: `plane.${method}`, code: faultOf(error, "", "").code });
        throw error as Error;
      });
  let epoch: number | null = null;
  return {
    ensure: (listeners) =>
      call("ensure", true, async () => {
        // The keeper starts it, and asks who wants it.
        if (epoch !== null) keeper.fence(epoch);
        await plane.ensure(listeners);
      }),
    claim: (next) => {
      epoch = next;
      return call("claim", true, () => plane.claim(next));
    },
    read: () =>
      call("read", false, async () => {
        const state = await plane.read();
        ground.tell({ kind: "read", by: process.id, answers: state !== null });
        return state;
      }),
    write: (table, ifRevision) => call("write", true, () => plane.write(table, ifRevision)),
    renew: (asked) => call("renew", true, () => plane.renew(asked)),
    drain: (endpoint, deadlineMs) => call("drain", true, () => plane.drain(endpoint, deadlineMs)),
    observations: (since) => call("observations", false, () => plane.observations(since)),
  };
}

function remoteRuntime(process: EngineProcess, wire: Wire, place: Keeper): Runtime {
  let epoch: number | null = null;
  const keeper = place.hand(process.id, () => epoch);
  const call = <T>(method: keyof Runtime, changes: boolean, work: () => Promise<T>): Promise<T> =>
    wire.remote(
      process,
      { place: "keeper", method: `keeper.${method}`, changes, unreachable: "runtime-unreachable" },
      work,
    );
  return {
    claim: (next) => {
      epoch = next;
      return call("claim", true, () => keeper.claim(next));
    },
    prepare: (version, services, signal) => call("prepare", true, () => keeper.prepare(version, services, signal)),
    start: (order) => call("start", true, () => keeper.start(order)),
    stop: (instance, stopMs) => call("stop", true, () => keeper.stop(instance, stopMs)),
    instances: () => call("instances", false, () => keeper.instances()),
    log: (instance, lines) => call("log", false, () => keeper.log(instance, lines)),
    explain: (instance) => call("explain", false, () => keeper.explain(instance)),
    adopt: (order) => call("adopt", true, () => keeper.adopt(order)),
    resume: (order) => call("resume", true, () => keeper.resume(order)),
    prune: (keep, inUse) => call("prune", true, () => keeper.prune(keep, inUse)),
    commits: (from, to) => call("commits", false, () => keeper.commits(from, to)),
    resolve: (version) => call("resolve", false, () => keeper.resolve(version)),
  };
}
