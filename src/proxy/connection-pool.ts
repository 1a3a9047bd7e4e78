import type { Duration } from "../core/time/time.ts";
import { InstanceConnection } from "./instance-connection.ts";

/** Below what servers commonly keep (gunicorn closes after 2 s); a server that names its own time is believed. */
const IDLE_MS: Duration = 1_500;
const MAX_IDLE_MS: Duration = 30_000;
const MAX_IDLE_CONNECTIONS = 256;
/** A body can't be sent twice, so it gets no connection that may be about to be closed. */
const IDLE_FOR_BODY_MS: Duration = 500;

/** The kept connections to one instance. The newest idle one is used first. */
export class ConnectionPool {
  readonly #host: string;
  readonly #port: number;
  readonly #connectMs: () => Duration;
  readonly #idle: InstanceConnection[] = [];
  readonly #events = {
    onIdle: (connection: InstanceConnection) => this.#release(connection),
    onClosed: (connection: InstanceConnection) => this.#forget(connection),
  };
  #idleMs = IDLE_MS;
  #lastHint = "";
  #isClosed = false;

  constructor(host: string, port: number, connectMs: () => Duration) {
    this.#host = host;
    this.#port = port;
    this.#connectMs = connectMs;
  }

  /** A connection for one request, idle or new. */
  take(hasBody: boolean): InstanceConnection {
    const oldest = performance.now() - (hasBody ? Math.min(IDLE_FOR_BODY_MS, this.#idleMs) : this.#idleMs);
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return this.open();
      if (connection.isUsable && connection.idleSince >= oldest) return connection;
      connection.close();
    }
  }

  /** A new one. */
  open(): InstanceConnection {
    return new InstanceConnection(this.#host, this.#port, this.#connectMs(), this.#events);
  }

  /** The value of an answer's `Keep-Alive`: how long the instance keeps an idle connection. */
  noteKeepAlive(hint: string): void {
    if (hint === this.#lastHint) return;
    this.#lastHint = hint;
    const seconds = /\btimeout=(\d+)/.exec(hint)?.[1];
    this.#idleMs =
      seconds === undefined ? IDLE_MS : Math.max(0, Math.min(MAX_IDLE_MS, Number(seconds) * 1_000 - 1_000));
  }

  /** Closes connections that have been idle for too long. */
  sweep(now: number): void {
    let expired = 0;
    while ((this.#idle[expired]?.idleSince ?? Number.POSITIVE_INFINITY) < now - this.#idleMs) expired += 1;
    for (const connection of this.#idle.splice(0, expired)) connection.close();
  }

  /** Closes idle connections now and those in use after their request. */
  close(): void {
    this.#isClosed = true;
    for (const connection of this.#idle.splice(0)) connection.close();
  }

  #release(connection: InstanceConnection): void {
    if (this.#isClosed || this.#idle.length >= MAX_IDLE_CONNECTIONS || this.#idleMs <= 0) connection.close();
    else this.#idle.push(connection);
  }

  #forget(connection: InstanceConnection): void {
    const at = this.#idle.indexOf(connection);
    if (at !== -1) this.#idle.splice(at, 1);
  }
}
