import { backendsOf, type RoutingTable, type TableHealth, type TrafficState } from "../core/traffic/routing.ts";
import type { Duration } from "../core/time/time.ts";
import { accepts, probe } from "./health-probe.ts";
import { LiveEndpoint } from "./live-endpoint.ts";
import { endpointKey } from "./routing.ts";

/** For an instance of this machine to accept a connection; a busy one still does. */
const LOOK_MS: Duration = 1_000;

interface Watched {
  readonly endpoint: LiveEndpoint;
  readonly health: string;
  readonly stop: () => void;
}

/** The instances that tables name, with what is known of each; one object an instance, however many tables name it. */
export class EndpointRegistry {
  readonly #connectMs: () => Duration;
  #watched = new Map<string, Watched>();
  /** No longer in the table, but with something in flight. */
  readonly #leaving = new Set<LiveEndpoint>();
  readonly #sweeper: NodeJS.Timeout;

  constructor(connectMs: () => Duration) {
    this.#connectMs = connectMs;
    this.#sweeper = setInterval(() => this.#sweep(), 500);
    this.#sweeper.unref();
  }

  /**
   * Follows a new table: the instances in it are probed, those no longer in it get nothing new. `isFromDisk`: nobody has
   * just seen them ready.
   */
  adopt(table: RoutingTable, isFromDisk = false): ReadonlyMap<string, LiveEndpoint> {
    const before = this.#watched;
    this.#watched = new Map();
    for (const instance of backendsOf(table).flatMap(({ instances }) => instances)) {
      const key = endpointKey(instance);
      const known = before.get(key);
      before.delete(key);
      // Who waits for it may be meant for another one now.
      known?.endpoint.outage.giveUp();
      const endpoint = known?.endpoint ?? new LiveEndpoint(instance, this.#connectMs, isFromDisk);
      endpoint.setDraining(instance.draining);
      this.#watched.set(key, this.#watch(endpoint, table.health[instance.service], known));
    }
    for (const { endpoint, stop } of before.values()) {
      stop();
      endpoint.close();
      this.#leaving.add(endpoint);
    }
    return new Map([...this.#watched].map(([key, { endpoint }]) => [key, endpoint]));
  }

  /**
   * Looks once at those that are unproven. On the boot on which they were last seen ready it is enough that they accept
   * connections; after another one anything may listen there, and their own readiness must say so.
   */
  async lookAround(isSameBoot: boolean): Promise<void> {
    if (!isSameBoot) return;
    const unproven = this.current().filter(({ isUnproven }) => isUnproven);
    await Promise.all(
      unproven.map(async (endpoint) => {
        if (await accepts(endpoint, LOOK_MS)) endpoint.prove();
      }),
    );
  }

  /** By id: one of the table, or one that left it with something in flight. */
  find(id: string): LiveEndpoint | null {
    for (const { endpoint } of this.#watched.values()) if (endpoint.id === id) return endpoint;
    for (const endpoint of this.#leaving) if (endpoint.id === id) return endpoint;
    return null;
  }

  /** Those of the table in force. */
  current(): readonly LiveEndpoint[] {
    return [...this.#watched.values()].map(({ endpoint }) => endpoint);
  }

  /** Those that left the table with something in flight too. */
  all(): readonly LiveEndpoint[] {
    return [...this.current(), ...this.#leaving];
  }

  state(): TrafficState["endpoints"] {
    return Object.fromEntries(
      this.current().map(({ id, health, isEjected, inFlight, tunnels }) => [
        id,
        { healthy: health === "up", ejected: isEjected, inFlight, webSockets: tunnels.size },
      ]),
    );
  }

  close(): void {
    clearInterval(this.#sweeper);
    for (const { endpoint, stop } of this.#watched.values()) {
      stop();
      endpoint.close();
    }
    this.#watched.clear();
  }

  #watch(endpoint: LiveEndpoint, config: TableHealth | undefined, known: Watched | undefined): Watched {
    const health = JSON.stringify(config ?? null);
    if (known?.health === health) return known;
    known?.stop();
    return { endpoint, health, stop: probe(endpoint, config) };
  }

  #sweep(): void {
    const now = performance.now();
    for (const { endpoint } of this.#watched.values()) endpoint.pool.sweep(now);
    for (const endpoint of this.#leaving) if (endpoint.isIdle) this.#leaving.delete(endpoint);
  }
}
