import { randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Listener, TrafficState } from "../core/routing.ts";
import type { Duration } from "../core/time.ts";
import type { Instant } from "../core/time.ts";
import { createStateFolder, type StateFolder } from "../local/state-folder.ts";
import { assign, type Assignment } from "./assign.ts";
import { clientOf } from "./client.ts";
import { depart } from "./departure.ts";
import { askToClose, drain } from "./drain.ts";
import { EarlierRows } from "./earlier-rows.ts";
import { EndpointRegistry } from "./endpoint-registry.ts";
import { Exchange } from "./exchange.ts";
import { DEFAULT_WAITS, type ExchangeContext, type Waits, watchInFlight } from "./exchange-context.ts";
import type { HandOver } from "./hand-over.ts";
import { InFlight } from "./in-flight.ts";
import { withLeaving } from "./leaving-state.ts";
import { openListener, type OpenListener } from "./listener.ts";
import { metricsText } from "./metrics.ts";
import { Observations } from "./observations.ts";
import { Patience } from "./patience.ts";
import { Pause } from "./pause.ts";
import { type CohortSeal, cohortSeal } from "./pin.ts";
import type { Predecessor } from "./predecessor.ts";
import type { LeaveWithin, ProxyObservations, ProxyTimeouts } from "./protocol.ts";
import { isRefusal, type PlaneRefusal, REFUSALS, refuse, refuseOnSocket } from "./refusal.ts";
import { readRequestHead, type RequestHead } from "./request-head.ts";
import { TableInForce } from "./table-in-force.ts";
import { Upgrade } from "./upgrade.ts";

export const DEFAULT_TIMEOUTS: ProxyTimeouts = { headersMs: 15_000, idleMs: 65_000, connectMs: 2_000 };

/** The data plane: everything between the listening sockets and the instances. */
export class Plane implements AsyncDisposable {
  readonly table: TableInForce;
  readonly observations: Observations;
  readonly pause = new Pause();
  readonly identity = `${process.pid}-${randomBytes(6).toString("hex")}`;
  readonly startedAt = Date.now();

  /** Resolves when a process that was told to leave has finished. */
  readonly hasLeft: Promise<void>;
  isClosed = false;

  readonly #listeners = new Map<string, OpenListener>();
  readonly #context: ExchangeContext;
  readonly #predecessor: Predecessor | null;
  readonly #earlierRows: EarlierRows;
  readonly #departure = Promise.withResolvers<void>();
  readonly #seal: CohortSeal;
  readonly #stopWatching: () => void;
  readonly #roll: NodeJS.Timeout;
  #timeouts = DEFAULT_TIMEOUTS;

  /**
   * Goes on with what was last acknowledged in this folder, or with what a living process hands over; accepts nothing
   * until it gets a listener.
   */
  constructor(folder: StateFolder, waits: Waits = DEFAULT_WAITS, predecessor: Predecessor | null = null) {
    createStateFolder(folder);
    const connectMs = (): number => this.#timeouts.connectMs;
    this.observations = new Observations(this.identity, steadyWall);
    const inherited = predecessor?.handedOver.table ?? null;
    this.table = new TableInForce(folder, this.observations, new EndpointRegistry(connectMs), inherited);
    this.hasLeft = this.#departure.promise;
    this.#predecessor = predecessor;
    this.#earlierRows = predecessor?.rows ?? new EarlierRows();
    this.#seal = cohortSeal(this.table.sealKey);
    this.#context = {
      observations: this.observations,
      patience: new Patience(),
      inFlight: new InFlight(),
      waits,
      isStopping: false,
    };
    this.#stopWatching = watchInFlight(this.#context);
    this.#roll = setInterval(() => this.observations.roll(), 250);
    this.#roll.unref();
    if (predecessor !== null) this.#inherit(predecessor);
  }

  /**
   * Listens there, on the given handle when there is one. A listener that is open already gets the new time-outs.
   * Answers where it listens. Faults: port-taken, listen-failed, tls-files-unusable.
   */
  async listen(listener: Listener, timeouts: ProxyTimeouts, handle?: unknown): Promise<Listener> {
    this.#timeouts = timeouts;
    const open = this.#listeners.get(keyOf(listener));
    if (open !== undefined && isDeepStrictEqual(open.listener.tls, listener.tls)) {
      open.configure(timeouts);
      closeHandle(handle);
      return open.listener;
    }
    const opened = await openListener(
      listener,
      timeouts,
      {
        request: (request, response) => this.#onRequest(request, response),
        upgrade: (request, early) => this.#onUpgrade(request, early),
      },
      handle,
    );
    void open?.stopAccepting();
    this.#listeners.set(keyOf(opened.listener), opened);
    return opened.listener;
  }

  get isReady(): boolean {
    return this.#listeners.size > 0 && this.table.routing !== null;
  }

  /** What the process that takes over from this one needs beside the table. */
  inheritance(): Omit<HandOver, "table"> {
    return {
      proxy: this.identity,
      pid: process.pid,
      down: this.table.endpoints.all().flatMap(({ id, health }) => (health === "down" ? [id] : [])),
      patience: this.#context.patience.learned(),
      pause: this.pause.rest,
    };
  }

  /** Of this process and of the one before it that still finishes. */
  state(): TrafficState {
    const own: TrafficState = {
      table: this.table.table,
      epoch: this.table.epoch,
      proxy: this.identity,
      pid: process.pid,
      startedAt: this.startedAt,
      listening: [...this.#listeners.values()].map(({ listener: { host, port, tls } }) => ({
        host,
        port,
        tls: tls !== undefined,
      })),
      inFlight: this.observations.inFlight(),
      endpoints: this.table.endpoints.state(),
      returnedAt: this.table.returnedAt,
      lastRequestAt: this.#lastRequestAt(),
    };
    return withLeaving(own, this.#predecessor?.state ?? null);
  }

  /** What a reader has not had yet, with what earlier processes have counted. */
  figures(since: number, earlier: ReadonlyMap<string, number>): ProxyObservations {
    const batch = this.observations.batch(since);
    const batches = this.#earlierRows.batches(earlier);
    return batches.length === 0 ? batch : { ...batch, earlier: batches };
  }

  metrics(): string {
    this.observations.roll();
    return metricsText(this.state(), this.observations.tallies());
  }

  /** An instance that is not known has nothing in flight. */
  async drain(id: string, deadlineMs: number): Promise<{ readonly left: number }> {
    const endpoint = this.table.endpoints.find(id);
    const [own, before] = await Promise.all([
      endpoint === null ? { left: 0 } : drain(endpoint, deadlineMs),
      this.#predecessor?.drain(id, deadlineMs) ?? 0,
    ]);
    return { left: own.left + before };
  }

  /** Holds new requests, those too that a leaving process still gets. */
  async beginPause(forMs: Duration, max: number): Promise<void> {
    this.pause.begin(forMs, max);
    await this.#predecessor?.pause(forMs, max);
  }

  async endPause(): Promise<void> {
    this.pause.end();
    await this.#predecessor?.resume();
  }

  /** Those on which it accepts, for another process to have them too. */
  sockets(): ReadonlyMap<Listener, Server> {
    if (this.#context.isStopping) return new Map();
    return new Map([...this.#listeners.values()].map(({ listener, server }) => [listener, server]));
  }

  /** Lets the process before this one go, once this one accepts. */
  async relieve(within: LeaveWithin): Promise<void> {
    await this.#predecessor?.leave(within);
  }

  /**
   * Accepts no more, and lets what is under way finish: requests for as long as they take within the bound, WebSockets and
   * event streams for a while, and then they are asked to close. `hasLeft` resolves at the end.
   */
  leave(within: LeaveWithin): void {
    if (this.#context.isStopping) return;
    // Whom this one relieved can't follow any more once this one has ended.
    const gone = Promise.all([this.#stopAccepting(), this.#predecessor?.ended]);
    void depart(gone, this.table.endpoints, within).then(() => this.#departure.resolve());
  }

  /**
   * Accepts no more, and tells clients with each answer to come back on a new connection. Resolves when all have gone or
   * the time is over.
   */
  async stop(withinMs: number): Promise<void> {
    const gone = this.#stopAccepting();
    for (const endpoint of this.table.endpoints.all()) askToClose(endpoint, withinMs);
    await Promise.race([gone, delay(withinMs, undefined, { ref: false })]);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    clearInterval(this.#roll);
    this.#stopWatching();
    this.pause.end();
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close()));
    await this.table.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    clientOf(request.socket).requests += 1;
    const head = this.#readHead(request);
    if (isRefusal(head)) {
      refuse(response, head, this.#context.isStopping);
      return;
    }
    if (this.pause.isOn) {
      this.pause.hold(
        () => this.#forward(request, response, head),
        () => refuse(response, REFUSALS.paused, this.#context.isStopping),
      );
      return;
    }
    this.#forward(request, response, head);
  }

  #forward(request: IncomingMessage, response: ServerResponse, head: RequestHead): void {
    const assignment = this.#assign(request, head);
    if (isRefusal(assignment)) refuse(response, assignment, this.#context.isStopping);
    else new Exchange(this.#context, request, response, head, assignment).start();
  }

  #onUpgrade(request: IncomingMessage, early: Buffer): void {
    const head = this.#readHead(request);
    if (isRefusal(head) || head.hasBody) {
      refuseOnSocket(request.socket, isRefusal(head) ? head : REFUSALS.badFraming);
      return;
    }
    const go = (): void => {
      const assignment = this.#assign(request, head);
      if (isRefusal(assignment)) refuseOnSocket(request.socket, assignment);
      else {
        const context = { observations: this.observations, connectMs: () => this.#timeouts.connectMs };
        new Upgrade(context, request, early, head, assignment).start();
      }
    };
    this.pause.hold(go, () => refuseOnSocket(request.socket, REFUSALS.paused));
  }

  #assign(request: IncomingMessage, head: RequestHead): Assignment | PlaneRefusal {
    const { routing } = this.table;
    return routing === null ? REFUSALS.noTable : assign(routing, request, head, this.#seal);
  }

  #readHead(request: IncomingMessage): RequestHead | PlaneRefusal {
    return readRequestHead(request, clientOf(request.socket), this.table.routing?.pinHeader ?? "");
  }

  #inherit(predecessor: Predecessor): void {
    const { down, patience, pause } = predecessor.handedOver;
    for (const id of down) this.table.endpoints.find(id)?.setHealth("down");
    this.#context.patience.inherit(patience);
    if (pause !== null) this.pause.begin(pause.forMs, pause.max);
    this.table.follower = predecessor;
    // What it counted before has been in its own totals already.
    const since = Math.floor(this.startedAt / 1_000);
    predecessor.onRows = (rows) => {
      for (const row of rows) if (row.second >= since) this.observations.addToTotals(row);
    };
    void predecessor.ended.then(() => (this.table.follower = null));
  }

  /** Resolves when all connections have ended. */
  async #stopAccepting(): Promise<void> {
    this.#context.isStopping = true;
    await Promise.all([...this.#listeners.values()].map((listener) => listener.stopAccepting()));
  }

  #lastRequestAt(): TrafficState["lastRequestAt"] {
    const ahead = Date.now() - performance.now();
    return Object.fromEntries(
      [...this.observations.tallies()].map(({ version, lastRequestAt }) => [
        version,
        lastRequestAt === null ? null : Math.round(ahead + lastRequestAt),
      ]),
    );
  }
}

/** Wall time as this process began, and steady from then on: a clock that is set must not double or skip seconds. */
function steadyWall(): Instant {
  return performance.timeOrigin + performance.now();
}

function keyOf({ host, port }: Listener): string {
  return `${host}:${port}`;
}

/** A handle that is not needed would go on listening, and its connections would wait for ever. */
function closeHandle(handle: unknown): void {
  if (typeof handle === "object" && handle !== null && "close" in handle && typeof handle.close === "function") {
    handle.close();
  }
}
