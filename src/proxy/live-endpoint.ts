import type { Endpoint } from "../core/traffic/routing.ts";
import type { Duration } from "../core/time/time.ts";
import { ConnectionPool } from "./connection-pool.ts";
import { accepts } from "./health-probe.ts";
import { Outage } from "./outage.ts";

/** Failures to connect in a row after which an instance gets no requests for a while. */
const CONNECT_ERRORS = 3;
/** 5xx answers in a row: many, because one broken route that is asked alone must not take an instance away. */
const SERVER_ERRORS = 10;
const ACCEPTS_WITHIN_MS: Duration = 1_000;
const EJECTION_MS: Duration = 5_000;
const MAX_EJECTION_MS: Duration = 30_000;

/** Something with an end of its own that outlives ordinary requests: a WebSocket, an event stream. */
export interface LongLived {
  /** Asks both sides to end it, at the next moment at which that cuts nothing. */
  askToClose(deadlineMs: Duration): void;
  cut(): void;
}

/** An instance as the plane sees it, across all tables that name it. */
export class LiveEndpoint {
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly pool: ConnectionPool;
  /** Requests in flight; tunnels are not among them. */
  inFlight = 0;
  readonly outage = new Outage(() => accepts(this, ACCEPTS_WITHIN_MS));
  readonly tunnels = new Set<LongLived>();
  readonly streams = new Set<LongLived>();

  /** The active probes' opinion. Unknown until the first answer: the engine names no instance that it has not seen ready. */
  health: "unknown" | "up" | "down" = "unknown";
  isDraining = false;
  /** It stands in a table that this process found on the disk, and nobody has seen it ready since: it gets nothing yet. */
  isUnproven: boolean;
  /** Whether the group that it is in can do without it. */
  isExpendable: () => boolean = () => true;
  /** Called whenever it may have become usable or ceased to be. */
  onChange: () => void = () => undefined;
  /** Called when something in flight has ended. */
  readonly onEnded = new Set<() => void>();

  #connectErrors = 0;
  #serverErrors = 0;
  #ejections = 0;
  #ejection: NodeJS.Timeout | null = null;
  #ejectedFor: "connect" | "answers" = "connect";

  constructor(endpoint: Endpoint, connectMs: () => Duration, isUnproven = false) {
    this.isUnproven = isUnproven;
    this.id = endpoint.id;
    this.host = endpoint.host;
    this.port = endpoint.port;
    this.pool = new ConnectionPool(endpoint.host, endpoint.port, connectMs);
  }

  get isEjected(): boolean {
    return this.#ejection !== null;
  }

  get isUsable(): boolean {
    return !this.isUnproven && !this.isDraining && this.health !== "down" && this.#ejection === null;
  }

  get isIdle(): boolean {
    return this.inFlight === 0 && this.tunnels.size === 0;
  }

  release(): void {
    this.inFlight -= 1;
    if (this.onEnded.size > 0) this.noteEnd();
  }

  noteEnd(): void {
    for (const listener of this.onEnded) listener();
  }

  noteAnswer(status: number): void {
    this.outage.noteAnswer();
    this.#connectErrors = 0;
    if (status < 500) {
      this.#serverErrors = 0;
      this.#ejections = 0;
      return;
    }
    this.#serverErrors += 1;
    if (this.#serverErrors >= SERVER_ERRORS) this.#eject("answers");
  }

  noteConnectError(): void {
    this.#connectErrors += 1;
    if (this.#connectErrors >= CONNECT_ERRORS) this.#eject("connect");
  }

  /** It may get requests, as far as its own health goes. */
  prove(): void {
    if (!this.isUnproven) return;
    this.isUnproven = false;
    this.onChange();
  }

  setHealth(health: "up" | "down"): void {
    if (health === "up") this.prove();
    // It takes connections again, so what it was ejected for is over: most of all when it has just been started again.
    if (health === "up" && this.#ejectedFor === "connect") this.#readmit();
    if (this.health === health) return;
    this.health = health;
    this.onChange();
  }

  setDraining(isDraining: boolean): void {
    if (this.isDraining === isDraining) return;
    this.isDraining = isDraining;
    this.onChange();
  }

  close(): void {
    if (this.#ejection !== null) clearTimeout(this.#ejection);
    this.#ejection = null;
    this.outage.giveUp();
    this.pool.close();
  }

  #eject(why: "connect" | "answers"): void {
    if (this.#ejection !== null || !this.isExpendable()) return;
    this.#ejectedFor = why;
    const forMs = Math.min(MAX_EJECTION_MS, EJECTION_MS * 2 ** this.#ejections);
    this.#ejections += 1;
    this.#ejection = setTimeout(() => this.#readmit(), forMs);
    this.#ejection.unref();
    this.onChange();
  }

  #readmit(): void {
    if (this.#ejection === null) return;
    clearTimeout(this.#ejection);
    this.#ejection = null;
    // Half open: one more failure is enough to take it away again.
    this.#connectErrors = CONNECT_ERRORS - 1;
    this.#serverErrors = SERVER_ERRORS - 1;
    this.onChange();
  }
}
