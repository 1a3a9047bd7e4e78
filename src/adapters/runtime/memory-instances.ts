import { type Fault, FaultError } from "../../core/fault.ts";
import type { InstanceSeen, Usage } from "../../core/observation.ts";
import { SECOND, type Duration } from "../../core/time/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { AdoptOrder, StartOrder } from "../../ports/runtime.ts";

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

/** One instance that nobody runs: its lives follow from its behaviour and the time. */
export interface Instance {
  readonly order: StartOrder | AdoptOrder;
  readonly id: string;
  readonly address: string | undefined;
  readonly behaviour: Behaviour;
  /** Monotonic; in the future while it waits for its restart. */
  lifeBegins: number;
  restarts: number;
  ended: boolean;
  isLost?: true;
  lastExit?: InstanceSeen["lastExit"];
}

/** Every instance that there is or was, and the only time that they know. */
export interface Population {
  readonly clock: Clock;
  readonly instances: Map<string, Instance>;
}

/** Begins its first life, in the place of whoever had the name before. */
export function bear(
  population: Population,
  id: string,
  order: Instance["order"],
  address: string | undefined,
  behaviour: Behaviour,
): Instance {
  const lifeBegins = population.clock.monotonic();
  const instance: Instance = { order, id, address, behaviour, lifeBegins, restarts: 0, ended: false };
  population.instances.set(id, instance);
  return instance;
}

/** As it is by now. Faults: unknown-instance. */
export function named(population: Population, id: string): Instance {
  const instance = population.instances.get(id);
  if (instance !== undefined) return settled(population, instance);
  throw new FaultError({ code: "unknown-instance", what: `There is no instance ${id}.` });
}

/** Those that have not ended for good by now. */
export function living(population: Population): Instance[] {
  return [...population.instances.values()].filter((instance) => !settled(population, instance).ended);
}

/** Lets the crashes happen that are due by now. */
export function settled({ clock }: Population, instance: Instance): Instance {
  const { crashAfterMs, restartAfterMs = SECOND } = instance.behaviour;
  if (crashAfterMs === undefined || instance.ended) return instance;
  for (;;) {
    const agoMs = clock.monotonic() - (instance.lifeBegins + crashAfterMs);
    if (agoMs < 0) return instance;
    exit(instance, clock.wall() - agoMs);
    instance.lifeBegins += crashAfterMs + restartAfterMs;
  }
}

/** Ends a life at this wall time. */
export function exit(instance: Instance, at: number): void {
  instance.restarts += 1;
  instance.lastExit = { code: instance.behaviour.exitCode ?? 1, signal: null, at };
}

/** As the port tells of it. */
export function seen(population: Population, instance: Instance): InstanceSeen {
  const { order, id, address, restarts, ended, lastExit, lifeBegins, behaviour } = settled(population, instance);
  const { clock } = population;
  const isWaiting = clock.monotonic() < lifeBegins;
  return {
    id,
    service: typeof order.service === "string" ? order.service : order.service.name,
    slot: order.slot,
    version: order.version,
    ...(address === undefined ? {} : { address }),
    state: ended ? "exited" : isWaiting ? "backoff" : "running",
    startedAt: clock.wall() - (clock.monotonic() - lifeBegins),
    restarts,
    ...(lastExit === undefined ? {} : { lastExit }),
    ...(behaviour.usage === undefined ? {} : { usage: behaviour.usage }),
    ...(instance.isLost === true ? { isLost: true as const } : {}),
    adopted: isAdopted(instance),
  };
}

/** Somebody else started it. */
export function isAdopted({ order }: Instance): boolean {
  return !("index" in order);
}
