import { randomBytes } from "node:crypto";
import type { Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { SecondRow } from "../core/observation.ts";
import type { Listener, LostRequests, TrafficState } from "../core/traffic/routing.ts";
import type { Duration, Instant } from "../core/time/time.ts";
import { createStateFolder, type StateFolder } from "../local/state-folder.ts";
import { depart } from "./departure.ts";
import { askToClose, drain } from "./drain.ts";
import { EarlierRows } from "./earlier-rows.ts";
import { emptyVersion } from "./empty-version.ts";
import { EndpointRegistry } from "./endpoint-registry.ts";
import { DEFAULT_WAITS, type ExchangeContext, type Waits, watchInFlight } from "./exchange-context.ts";
import type { HandOver } from "./hand-over.ts";
import { InFlight } from "./in-flight.ts";
import { InFlightLedger } from "./in-flight-ledger.ts";
import { withLeaving } from "./leaving-state.ts";
import { type ListenerHandlers, openListener, type OpenListener } from "./listener.ts";
import { type InFlightCount, lostRequests } from "./lost-requests.ts";
import { metricsText } from "./metrics.ts";
import { Observations } from "./observations.ts";
import { Patience } from "./patience.ts";
import { Pause } from "./pause.ts";
import { PastFigures } from "./past-figures.ts";
import type { Predecessor } from "./predecessor.ts";
import { type LeaveWithin, type ProxyObservations, type ProxyTimeouts, TRAFFIC_FOLDER } from "./protocol.ts";
import { createReception } from "./reception.ts";
import { steadyWall } from "./steady-wall.ts";
import { TableInForce } from "./table-in-force.ts";

export const DEFAULT_TIMEOUTS: ProxyTimeouts = { headersMs: 15_000, idleMs: 65_000, connectMs: 2_000 };

/** Held for a switch; those that come when it is full get 503 and are told to come back. */
const MOST_HELD = 5_000;
/** For the change itself, after what was in flight has ended. */
const SWITCH_GRACE_MS: Duration = 3_000;

/** The data plane: everything between the listening sockets and the instances. */
export class Plane implements AsyncDisposable {
  readonly table: TableInForce;
  readonly observations: Observations;
  readonly pause = new Pause();
  /** What it remembers of the days before. */
  readonly past: PastFigures;
  readonly identity = `${process.pid}-${randomBytes(6).toString("hex")}`;
  readonly startedAt: Instant;

  /** Resolves when a process that was told to leave has finished. */
  readonly hasLeft: Promise<void>;
  isClosed = false;

  readonly #listeners = new Map<string, OpenListener>();
  readonly #context: ExchangeContext;
  readonly #predecessor: Predecessor | null;
  readonly #earlierRows: EarlierRows;
  readonly #folder: StateFolder;
  readonly #ledger: InFlightLedger;
  readonly #departure = Promise.withResolvers<void>();
  readonly #reception: ListenerHandlers;
  readonly #stopWatching: () => void;
  readonly #roll: NodeJS.Timeout;
  #timeouts = DEFAULT_TIMEOUTS;
  #hasLooked: Promise<void> | null = null;
  /** What processes before this one took with them. */
  #lost: readonly LostRequests[];

  /**
   * Goes on with what was last acknowledged in this folder, or with what a living process hands over; accepts nothing
   * until it gets a listener.
   */
  constructor(folder: StateFolder, waits: Waits = DEFAULT_WAITS, predecessor: Predecessor | null = null) {
    createStateFolder(folder);
    const connectMs = (): number => this.#timeouts.connectMs;
    this.observations = new Observations(this.identity, steadyWall);
    this.past = new PastFigures(folder.file(TRAFFIC_FOLDER), steadyWall);
    this.observations.onRow = (row, side) => this.past.take(row, side);
    const inherited = predecessor?.handedOver.table ?? null;
    this.table = new TableInForce(folder, this.observations, new EndpointRegistry(connectMs), inherited);
    this.hasLeft = this.#departure.promise;
    this.startedAt = predecessor?.handedOver.startedAt ?? Date.now();
    this.#folder = folder;
    this.#lost = lostRequests(folder);
    this.#ledger = new InFlightLedger(
      folder,
      this.identity,
      () => this.#inFlight(),
      () => this.#connections(),
    );
    this.observations.onFlight = this.#ledger.touch;
    this.#predecessor = predecessor;
    this.#earlierRows = predecessor?.rows ?? new EarlierRows();
    this.#context = {
      observations: this.observations,
      patience: new Patience(),
      inFlight: new InFlight(),
      waits,
      isStopping: false,
    };
    const { table, pause } = this;
    table.switching = {
      begin: async (version, forMs, signal) => {
        await this.beginPause(forMs + SWITCH_GRACE_MS, MOST_HELD);
        return this.empty(version, forMs, signal);
      },
      end: () => this.endPause(),
    };
    this.#reception = createReception({
      table,
      pause,
      context: this.#context,
      connectMs,
      onChange: this.#ledger.touch,
    });
    this.#stopWatching = watchInFlight(this.#context);
    this.#roll = setInterval(() => {
      this.observations.roll();
      this.past.look();
    }, 250);
    this.#roll.unref();
    if (predecessor !== null) this.#inherit(predecessor);
  }

  /**
   * Listens there, on the given handle when there is one. A listener that is open already gets the new time-outs.
   * Answers where it listens. Faults: port-taken, listen-failed, tls-files-unusable.
   */
  async listen(listener: Listener, timeouts: ProxyTimeouts, handle?: unknown): Promise<Listener> {
    this.#timeouts = timeouts;
    // Before anybody is let in: whom to send them to.
    await (this.#hasLooked ??= this.table.lookAround());
    const open = this.#listeners.get(keyOf(listener));
    if (open !== undefined && isDeepStrictEqual(open.listener.tls, listener.tls)) {
      open.configure(timeouts);
      closeHandle(handle);
      return open.listener;
    }
    const opened = await openListener(listener, timeouts, this.#reception, handle);
    void open?.stopAccepting();
    this.#listeners.set(keyOf(opened.listener), opened);
    return opened.listener;
  }

  get isReady(): boolean {
    return this.#listeners.size > 0 && this.table.routing !== null;
  }

  /** What the process that takes over from this one needs beside the table. It remembers the days from here on. */
  async inheritance(): Promise<Omit<HandOver, "table">> {
    this.observations.roll();
    return {
      pastTo: await this.past.handOver(),
      proxy: this.identity,
      pid: process.pid,
      startedAt: this.startedAt,
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
      leaseEndsAt: this.table.leaseEndsAt,
      returnedAt: this.table.returnedAt,
      ...(this.#lost.length === 0 ? {} : { lost: this.#lost }),
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

  /** Asks what lasts to end, and waits until a version has nothing in flight here and in a process that leaves. */
  async empty(version: string, withinMs: Duration, signal?: AbortSignal): Promise<number> {
    const ids = this.table.instancesOf(version);
    const endpoints = this.table.endpoints.all().filter(({ id }) => ids.has(id));
    const [own, before] = await Promise.all([
      emptyVersion(this.observations.tally(version), endpoints, withinMs, signal),
      this.#predecessor?.empty(version, withinMs) ?? 0,
    ]);
    return own + before;
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
    this.#ledger.close();
    clearInterval(this.#roll);
    this.#stopWatching();
    this.pause.end();
    await Promise.all([...this.#listeners.values()].map((listener) => listener.close()));
    await Promise.all([this.table.close(), this.past.handOver()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #inherit(predecessor: Predecessor): void {
    const { down, patience, pause } = predecessor.handedOver;
    for (const id of down) this.table.endpoints.find(id)?.setHealth("down");
    this.#context.patience.inherit(patience);
    if (pause !== null) this.pause.begin(pause.forMs, pause.max);
    this.table.follower = predecessor;
    // What it counted before has been in its own totals already.
    const since = Math.floor(steadyWall() / 1_000);
    const { pastTo = since } = predecessor.handedOver;
    const remember = (rows: readonly SecondRow[]): void => {
      for (const row of rows) if (row.second >= pastTo) this.past.take(row, this.observations.tally(row.version).role);
    };
    remember(predecessor.rows.newest());
    predecessor.onRows = (rows) => {
      for (const row of rows) if (row.second >= since) this.observations.addToTotals(row);
      remember(rows);
    };
    void this.#outlive(predecessor);
  }

  async #outlive(predecessor: Predecessor): Promise<void> {
    await predecessor.ended;
    this.table.follower = null;
    await predecessor.gone;
    // It may have been killed, or have cut what had not finished in its time.
    if (!this.isClosed) this.#lost = lostRequests(this.#folder);
  }

  /** Resolves when all connections have ended. */
  async #stopAccepting(): Promise<void> {
    this.#context.isStopping = true;
    await Promise.all([...this.#listeners.values()].map((listener) => listener.stopAccepting()));
  }

  #connections(): number {
    let open = 0;
    for (const { connections } of this.#listeners.values()) open += connections.size;
    return open;
  }

  #inFlight(): readonly InFlightCount[] {
    const counts = [{ version: "", requests: this.pause.held, webSockets: 0 }];
    for (const { version, inFlight, openTunnels } of this.observations.tallies())
      counts.push({ version, requests: inFlight, webSockets: openTunnels });
    return counts;
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

function keyOf({ host, port }: Listener): string {
  return `${host}:${port}`;
}

/** A handle that is not needed would go on listening, and its connections would wait for ever. */
function closeHandle(handle: unknown): void {
  if (typeof handle === "object" && handle !== null && "close" in handle && typeof handle.close === "function") {
    handle.close();
  }
}
