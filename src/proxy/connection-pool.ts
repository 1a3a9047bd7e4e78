import type { Agent, ClientRequest } from "node:http";
import { connect, type Socket } from "node:net";
import type { Duration } from "../core/time.ts";

/** A connection to an instance. */
export interface PooledSocket extends Socket {
  /** It has been open: an error before is a failure to connect, and the request was never sent. */
  wasOpen: boolean;
  /** `bytesRead` when it was last given to a request; unchanged: no byte of an answer came. */
  bytesAtStart: number;
  idleSince: number;
}

/** A request that has got its connection from a pool. */
export interface PooledRequest extends ClientRequest {
  pooledSocket: PooledSocket;
}

/** What a request tells the pool beside what node:http knows. */
export interface PooledOptions {
  /** An idle connection has just failed this request. */
  readonly isFresh: boolean;
  readonly hasBody: boolean;
}

/** Below what servers commonly keep (gunicorn closes after 2 s); a server that names its own time is believed. */
const IDLE_MS: Duration = 1_500;
const MAX_IDLE_MS: Duration = 30_000;
const MAX_IDLE_SOCKETS = 256;
/** A body can't be sent twice, so it gets no connection that may be about to be closed. */
const IDLE_FOR_BODY_MS: Duration = 500;

/**
 * The connections to one instance: what node:http calls an Agent, without its costs (a name made and a timer set for
 * every request) and with what retrying needs to know. The newest idle connection is used first.
 */
export class ConnectionPool {
  // node:http reads these of an agent.
  readonly keepAlive = true;
  readonly maxSockets = Number.POSITIVE_INFINITY;
  readonly defaultPort = 80;
  readonly protocol = "http:";
  readonly options = {};

  readonly #host: string;
  readonly #port: number;
  readonly #connectMs: () => Duration;
  readonly #idle: PooledSocket[] = [];
  #idleMs = IDLE_MS;
  #lastHint = "";
  #isClosed = false;

  constructor(host: string, port: number, connectMs: () => Duration) {
    this.#host = host;
    this.#port = port;
    this.#connectMs = connectMs;
  }

  /** As the `agent` of a request: node:http asks for `addRequest` and nothing else. */
  get agent(): Agent {
    return this as unknown as Agent;
  }

  /** node:http calls this from the constructor of a request, with the request's own options. */
  addRequest(request: ClientRequest, { isFresh, hasBody }: PooledOptions): void {
    const idle = isFresh ? undefined : this.#takeIdle(hasBody);
    const socket = idle ?? this.#open();
    socket.bytesAtStart = socket.bytesRead;
    request.reusedSocket = idle !== undefined;
    (request as PooledRequest).pooledSocket = socket;
    request.onSocket(socket);
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
    for (const socket of this.#idle.splice(0, expired)) socket.destroy();
  }

  /** Closes idle connections now and those in use after their request. */
  close(): void {
    this.#isClosed = true;
    for (const socket of this.#idle.splice(0)) socket.destroy();
  }

  #takeIdle(hasBody: boolean): PooledSocket | undefined {
    const oldest = performance.now() - (hasBody ? Math.min(IDLE_FOR_BODY_MS, this.#idleMs) : this.#idleMs);
    for (;;) {
      const socket = this.#idle.pop();
      if (socket === undefined) return undefined;
      // Bytes that nobody asked for would be read as the answer to the next request.
      const isUntouched = socket.readable && socket.bytesRead === socket.bytesAtStart;
      if (isUntouched && socket.writable && socket.idleSince >= oldest) return socket;
      socket.destroy();
    }
  }

  #open(): PooledSocket {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true }) as PooledSocket;
    socket.wasOpen = false;
    socket.bytesAtStart = 0;
    socket.idleSince = 0;
    const timeout = setTimeout(() => {
      const error: NodeJS.ErrnoException = new Error("no connection in time");
      error.code = "ETIMEDOUT";
      socket.destroy(error);
    }, this.#connectMs());
    socket.once("connect", () => {
      clearTimeout(timeout);
      socket.wasOpen = true;
    });
    socket.once("close", () => {
      clearTimeout(timeout);
      const at = this.#idle.indexOf(socket);
      if (at !== -1) this.#idle.splice(at, 1);
    });
    // While it is idle nobody else listens, and an error without a listener would end the process.
    socket.on("error", ignore);
    socket.on("free", () => this.#release(socket));
    return socket;
  }

  #release(socket: PooledSocket): void {
    if (this.#isClosed || !socket.writable || this.#idle.length >= MAX_IDLE_SOCKETS || this.#idleMs <= 0) {
      socket.destroy();
      return;
    }
    (socket as { _httpMessage?: unknown })._httpMessage = null;
    socket.bytesAtStart = socket.bytesRead;
    socket.idleSince = performance.now();
    this.#idle.push(socket);
  }
}

function ignore(): void {}
