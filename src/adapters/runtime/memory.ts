import { type Fault, FaultError } from "../../core/fault.ts";
import type { InstanceSeen } from "../../core/observation.ts";
import { SECOND } from "../../core/time/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Runtime, StartOrder, StopOutcome } from "../../ports/runtime.ts";
import {
  bear,
  type Behaviour,
  exit,
  type Instance,
  isAdopted,
  living,
  named,
  type Population,
  seen,
  settled,
} from "./memory-instances.ts";

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
  /** Everything that runs ends with its keeper and waits for an engine that has its secrets, as after a reboot. */
  loseAll(): void;
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

interface World extends MemoryRuntimeSettings, Population {
  readonly calls: RuntimeCall[];
  /** By version; undefined is for all the others. */
  readonly scripts: Map<string | undefined, Behaviour>;
  readonly prepared: Map<string, { readonly made: Promise<void>; readonly use: number }>;
  epoch: number;
  lastPort: number;
  uses: number;
  isUnreachable: boolean;
}

export function createMemoryRuntime(settings: MemoryRuntimeSettings): MemoryRuntime {
  const { clock } = settings;
  const world: World = {
    ...settings,
    calls: [],
    scripts: new Map(),
    prepared: new Map(),
    instances: new Map(),
    epoch: 0,
    lastPort: 9_000,
    uses: 0,
    isUnreachable: false,
  };
  return {
    ...handOn(world),
    calls: world.calls,
    script: (behaviour, version) => void world.scripts.set(version, behaviour),
    crash(id) {
      const instance = named(world, id);
      exit(instance, clock.wall());
      instance.lifeBegins = clock.monotonic() + (instance.behaviour.restartAfterMs ?? SECOND);
    },
    die(id) {
      const instance = named(world, id);
      exit(instance, clock.wall());
      instance.ended = true;
    },
    loseAll() {
      for (const instance of living(world)) {
        instance.lastExit = { code: null, signal: null, at: clock.wall() };
        instance.ended = true;
        instance.isLost = true;
      }
    },
    isReady(address) {
      const instance = living(world).find((each) => each.address === address);
      const after = instance?.behaviour.readyAfterMs ?? 0;
      return instance !== undefined && after !== "never" && clock.monotonic() >= instance.lifeBegins + after;
    },
    setUnreachable: (now) => void (world.isUnreachable = now),
    secondHand: () => handOn(world),
  };
}

/** What one engine does to the world. */
function handOn(world: World): Runtime {
  let epoch: number | null = null;
  const called = (method: keyof Runtime, ...args: readonly unknown[]): void => {
    world.calls.push({ method, arguments: args });
    if (world.isUnreachable) throw fault("runtime-unreachable", "The runtime does not answer.");
  };
  const fence = (by: number | null): void => {
    if (by !== null && by < world.epoch) throw fault("stale-epoch", `The epoch ${by} is over: it is ${world.epoch}.`);
  };
  return {
    claim: async (next) => {
      called("claim", next);
      fence(next);
      world.epoch = next;
      epoch = next;
    },
    prepare: async (version, services, signal) => {
      called("prepare", version, services);
      return prepare(world, version, signal);
    },
    start: async (order) => {
      called("start", order);
      fence(epoch);
      return start(world, order);
    },
    stop: async (id, stopMs) => {
      called("stop", id, stopMs);
      fence(epoch);
      return stop(world, id);
    },
    instances: async () => {
      called("instances");
      return [...world.instances.values()].map((instance) => seen(world, instance));
    },
    log: async (id, lines) => {
      called("log", id, lines);
      return lines === 0 ? [] : (named(world, id).behaviour.log ?? []).slice(-lines);
    },
    explain: async (id) => {
      called("explain", id);
      return explain(named(world, id));
    },
    resume: async (order) => {
      called("resume", order);
      fence(epoch);
    },
    adopt: async (order) => {
      called("adopt", order);
      const id = `${order.service}-${order.slot}-adopted-${order.address.replaceAll(/[^A-Za-z0-9.]/g, "-")}`;
      return seen(world, bear(world, id, order, order.address, {}));
    },
    prune: async (keep, inUse) => {
      called("prune", keep, inUse);
      return prune(world, keep, inUse);
    },
    commits: async (from, to) => {
      called("commits", from, to);
      return commits(world, from, to);
    },
    resolve: async (version) => {
      called("resolve", version);
      return resolve(world, version);
    },
  };
}

async function prepare(
  world: World,
  version: string,
  signal: AbortSignal,
): Promise<{ directory: string; tookMs: number; built: boolean }> {
  const { clock, prepared } = world;
  const { prepareMs = 0, prepareFault } = behaviourOf(world.scripts, version);
  const startedAt = clock.monotonic();
  const before = prepared.get(version);
  const made = before?.made ?? (prepareMs === 0 ? Promise.resolve() : clock.sleep(prepareMs, signal));
  prepared.set(version, { made, use: (world.uses += 1) });
  try {
    await made;
    if (prepareFault !== undefined) throw new FaultError(prepareFault);
  } catch (error) {
    // What failed is made anew the next time.
    prepared.delete(version);
    throw error;
  }
  return { directory: `/prepared/${version}`, tookMs: clock.monotonic() - startedAt, built: before === undefined };
}

function start(world: World, order: StartOrder): InstanceSeen {
  const behaviour = behaviourOf(world.scripts, order.version);
  if (behaviour.startFault !== undefined) throw new FaultError(behaviour.startFault);
  const id = `${order.service.name}-${order.slot}-${order.index}-${order.version}`;
  const before = world.instances.get(id);
  if (before !== undefined && !settled(world, before).ended) return seen(world, before);
  const isAsked = order.service.routes.length > 0 || order.service.health !== undefined;
  const address = isAsked ? `127.0.0.1:${(world.lastPort += 1)}` : undefined;
  return seen(world, bear(world, id, order, address, behaviour));
}

function stop(world: World, id: string): StopOutcome {
  const instance = world.instances.get(id);
  if (instance === undefined || settled(world, instance).ended) return {};
  instance.ended = true;
  instance.lastExit = { code: null, signal: "SIGTERM", at: world.clock.wall() };
  if (isAdopted(instance)) world.instances.delete(id);
  return {};
}

function explain({ id, behaviour, lastExit }: Instance): Fault {
  return (
    behaviour.explanation ?? {
      code: lastExit === undefined ? "instance-not-ready" : "instance-exited",
      what: lastExit === undefined ? `${id} was not seen ready.` : `${id} exited with code ${lastExit.code}.`,
      fix: "its last lines say why",
      detail: behaviour.log ?? [],
    }
  );
}

function prune(world: World, keep: number, inUse: readonly string[]): readonly string[] {
  const kept = new Set([...inUse, ...living(world).map(({ order }) => order.version)]);
  const old = [...world.prepared]
    .filter(([version]) => !kept.has(version))
    .sort(([, a], [, b]) => b.use - a.use)
    .slice(keep)
    .map(([version]) => version);
  for (const version of old) world.prepared.delete(version);
  return old;
}

function commits({ history = [] }: World, from: string, to: string): readonly string[] {
  const [after, until] = [from, to].map((version) => history.findIndex((commit) => commit.version === version));
  if (after === undefined || until === undefined || after === -1 || until === -1) return [];
  return history
    .slice(after + 1, until + 1)
    .map(({ subject }) => subject)
    .toReversed();
}

function resolve({ history }: World, wanted: string): { version: string; label: string } {
  if (history === undefined) return { version: wanted, label: wanted };
  const found = wanted === "HEAD" ? history.at(-1) : history.find(({ version }) => version === wanted);
  if (found !== undefined) return { version: found.version, label: found.version };
  const names = history.map(({ version }) => version).join(", ");
  throw fault("unknown-version", `There is no version "${wanted}" here.`, `the versions are: ${names}`);
}

function behaviourOf(scripts: World["scripts"], version: string): Behaviour {
  return scripts.get(version) ?? scripts.get(undefined) ?? {};
}

function fault(code: string, what: string, fix?: string): FaultError {
  return new FaultError({ code, what, ...(fix === undefined ? {} : { fix }) });
}
