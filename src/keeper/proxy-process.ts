import { isDeepStrictEqual } from "node:util";
import { setTimeout as delay } from "node:timers/promises";
import { type Fault, FaultError } from "../core/fault.ts";
import type { Duration } from "../core/time/time.ts";
import { isAnswered } from "../local/control-socket.ts";
import { lastLines } from "../local/log-file.ts";
import { takeSockets, type TakenSocket } from "../local/take-sockets.ts";
import { LEAVE_WITHIN, type LeaveWithin } from "../proxy/protocol.ts";
import { HeldSockets, withoutThese } from "./held-sockets.ts";
import { type Leaving, stillLeaving } from "./leaving-proxy.ts";
import type { KeeperState, ProxySpec } from "./protocol.ts";
import { type Handed, ProxyRun, type ProxySurroundings } from "./proxy-run.ts";
import { type KeeperRecord, type Life, UNBORN } from "./record.ts";

/** How long a proxy may take until it accepts connections. */
const READY_MS: Duration = 20_000;
/** Ends in a row after which waiting for it is no use; it is started again all the same. */
const TRIES = 3;
/** SIGTERM to SIGKILL; longer than the proxy itself gives to what is in flight. */
const STOP_MS: Duration = 15_000;
/** What a leaving process gets beyond its own time before it is stopped. */
const LEAVE_GRACE_MS: Duration = 15_000;
/** For the end of one that leaves, before another one may: longer than it keeps idle connections, and most have no others. */
const ALONE_WITHIN_MS: Duration = 6_000;

/** The data plane: its process, the one before that still finishes, and the listening sockets that they work on. */
export class ProxyProcess {
  readonly #surroundings: ProxySurroundings;
  readonly #held: HeldSockets;
  readonly #leaving = new Set<Leaving>();
  #spec: ProxySpec;
  #current: ProxyRun;
  #turn: Promise<unknown> = Promise.resolve();
  #isHandingOver = false;

  constructor(
    recorded: Omit<NonNullable<KeeperRecord["proxy"]>, "life">,
    life: Life | null,
    surroundings: ProxySurroundings,
  ) {
    this.#surroundings = surroundings;
    this.#held = new HeldSockets(surroundings.given);
    this.#spec = recorded.spec;
    this.#current = this.#newRun(life ?? UNBORN);
    for (const { life, until } of recorded.leaving ?? []) this.#leaving.add({ run: this.#newRun(life), until });
  }

  /**
   * Brings the sockets and the proxy to what is asked for; returns when it accepts. Faults: see held-socket.ts,
   * proxy-not-started, proxy-still-leaving.
   */
  async apply(spec: ProxySpec): Promise<void> {
    await this.#inTurn(async () => {
      if (isDeepStrictEqual(spec, this.#spec) && this.#current.isServing) return;
      if (this.#isServingOnSocketsOfItsOwn()) await this.#startAnew(spec);
      else await this.#change(spec);
    });
    await this.#untilReady(this.#current);
  }

  /**
   * Lets a new process take over from the one that serves; returns when it accepts and the old one accepts no more.
   * Faults: proxy-not-started, proxy-still-leaving; the old one serves on then.
   */
  restart(within: LeaveWithin): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#isServingOnSocketsOfItsOwn()) await this.#takeFromProxy();
      if (this.#isServingOnSocketsOfItsOwn()) await this.#startAnew(this.#spec);
      else if (this.#current.process.state === "running") {
        await this.#untilAlone();
        await this.#handOver(within);
      } else {
        await this.#current.process.stop(STOP_MS);
        this.#current = this.#newRun(this.#freshLife());
        await this.#current.process.start();
      }
      await this.#untilReady(this.#current);
    });
  }

  /** Goes on with what the keeper before left. `taken`: sockets that the living proxy has given already. */
  async restore(taken: readonly TakenSocket[]): Promise<void> {
    await this.#held.take(this.#spec.listeners, taken);
    await this.#current.process.restore();
    if (this.#current.process.state !== "running")
      // Nobody has them, so they are free to be opened.
      await this.#held.open(this.#spec.listeners).catch((error: unknown) => this.#complain(error));
    else if (!this.#holdsSockets) await this.#takeFromProxy();
    if (this.#isServingOnSocketsOfItsOwn())
      this.#complain("its sockets could not be taken: should it die, connections are refused until another one runs");
    for (const leaving of this.#leaving) void this.#finish(leaving, true);
  }

  state(): KeeperState["proxy"] & object {
    const { process } = this.#current;
    const { restarts, lastExit } = process.life;
    return {
      spec: this.#spec,
      ...(process.identity === null ? {} : { pid: process.identity.pid }),
      state: process.state,
      restarts,
      ...(lastExit === undefined ? {} : { lastExit }),
      holdsSockets: this.#holdsSockets,
      leaving: [...this.#leaving].flatMap(({ run, until }) =>
        run.process.identity === null ? [] : [{ pid: run.process.identity.pid, until }],
      ),
      logFile: this.#surroundings.logFile("proxy"),
    };
  }

  record(): NonNullable<KeeperRecord["proxy"]> {
    const leaving = [...this.#leaving].map(({ run, until }) => ({ life: run.process.life, until }));
    return { spec: this.#spec, life: this.#current.process.life, ...(leaving.length === 0 ? {} : { leaving }) };
  }

  async stop(): Promise<void> {
    const runs = [this.#current, ...[...this.#leaving].map(({ run }) => run)];
    await Promise.all(runs.map(({ process }) => process.stop(STOP_MS)));
    this.#held.letGo(this.#spec.listeners);
  }

  release(): void {
    for (const { process } of [this.#current, ...[...this.#leaving].map(({ run }) => run)]) process.release();
    this.#held.letAllGo();
  }

  /** Resolves when no process is just taking over from another. */
  settled(): Promise<void> {
    return this.#inTurn(() => Promise.resolve());
  }

  get #holdsSockets(): boolean {
    return this.#held.hasAll(this.#spec.listeners);
  }

  /** It was adopted, and this keeper could not get hold of its sockets. */
  #isServingOnSocketsOfItsOwn(): boolean {
    return this.#current.isAdopted && !this.#holdsSockets;
  }

  async #change(spec: ProxySpec): Promise<void> {
    const going = withoutThese(this.#spec.listeners, spec.listeners);
    const current = this.#current;
    // A socket can't be taken from a process, and one without a channel can't be told of another.
    const needsAnother = current.isAdopted || (current.isServing && going.length > 0);
    if (needsAnother) await this.#untilAlone();
    // The new ones first: when a port is taken, nothing has changed yet.
    await this.#held.open(spec.listeners);
    this.#spec = spec;
    await this.#surroundings.save();
    if (needsAnother) await this.#handOver(LEAVE_WITHIN);
    else {
      current.hand(this.#handed());
      await current.process.start();
    }
    this.#held.letGo(going);
  }

  /** The sockets that it has are closed with it before they can be opened again: for a moment nobody listens. */
  async #startAnew(spec: ProxySpec): Promise<void> {
    await this.#current.process.stop(STOP_MS);
    await this.#held.open(spec.listeners);
    this.#spec = spec;
    await this.#current.process.start();
  }

  /**
   * No third process beside two: what the second one hands over to it, the first one does not follow, and should the
   * second die, the first would take charge again beside the third. Faults: proxy-still-leaving (409).
   */
  async #untilAlone(): Promise<void> {
    const endsAt = performance.now() + ALONE_WITHIN_MS;
    for (;;) {
      const [leaving] = this.#leaving;
      if (leaving === undefined) return;
      if (performance.now() > endsAt) throw stillLeaving(leaving);
      await delay(20);
    }
  }

  async #handOver(within: LeaveWithin): Promise<void> {
    const before = this.#current;
    const next = this.#newRun(this.#freshLife(), within);
    const leaving: Leaving = { run: before, until: Date.now() + within.requestsMs };
    // Written down with the new process before that exists: a keeper that comes in between knows of both.
    this.#leaving.add(leaving);
    this.#current = next;
    before.process.mayRestart = false;
    this.#isHandingOver = true;
    try {
      await next.process.start();
      await this.#untilReady(next);
    } catch (error) {
      this.#leaving.delete(leaving);
      this.#current = before;
      await next.process.stop(0);
      before.process.mayRestart = true;
      if (before.process.state === "exited") await before.process.start();
      throw error;
    } finally {
      this.#isHandingOver = false;
    }
    void this.#finish(leaving, false);
  }

  /** Waits for the end of one that leaves by itself. */
  async #finish(leaving: Leaving, isRestored: boolean): Promise<void> {
    const { run, until } = leaving;
    try {
      const withinMs = Math.max(0, until - Date.now()) + LEAVE_GRACE_MS;
      await (isRestored ? run.process.restoreToFinish(withinMs) : run.process.finish(withinMs));
    } catch (error) {
      this.#complain(error);
    }
    if (run.process.state !== "exited") return;
    this.#leaving.delete(leaving);
    await this.#surroundings.save();
  }

  /** Of a new process that comes after the one there is: the crashes go on being counted. */
  #freshLife(): Life {
    const { restarts, lastExit } = this.#current.process.life;
    return { ...UNBORN, restarts, ...(lastExit === undefined ? {} : { lastExit }) };
  }

  /** Those of a proxy that this keeper did not start; where it can't give them, they stay its own. */
  async #takeFromProxy(): Promise<void> {
    await this.#held.take(this.#spec.listeners, await takeSockets(this.#surroundings.controlSocket));
  }

  #newRun(life: Life, leaveWithin?: LeaveWithin): ProxyRun {
    const run = new ProxyRun(life, this.#surroundings, async () => {
      // After a proxy has died whose sockets could not be held: this is the moment at which they are opened again.
      await this.#held.open(this.#spec.listeners);
      return this.#handed(leaveWithin);
    });
    run.onFailed = ({ code }) => {
      // One that only finishes what it has, and hangs, must not keep anybody from serving.
      if (code === "predecessor-silent" && !this.#isHandingOver) void this.#endLeaving();
    };
    return run;
  }

  async #endLeaving(): Promise<void> {
    await Promise.all([...this.#leaving].map(({ run }) => run.process.stop(0))).catch((error: unknown) =>
      this.#complain(error),
    );
  }

  #handed(leaveWithin?: LeaveWithin): Handed {
    return {
      spec: this.#spec,
      socketFor: (listener) => this.#held.get(listener),
      ...(leaveWithin === undefined ? {} : { leaveWithin }),
    };
  }

  async #untilReady(run: ProxyRun): Promise<void> {
    const until = performance.now() + READY_MS;
    while (performance.now() < until) {
      if (typeof run.ready === "object") throw new FaultError(await this.#notStarted(run, run.ready));
      if (run.isServing && (await isAnswered(this.#surroundings.controlSocket))) return;
      if (run.process.life.failuresInARow >= TRIES) break;
      await delay(10);
    }
    throw new FaultError(await this.#notStarted(run));
  }

  async #notStarted(run: ProxyRun, told?: Fault): Promise<Fault> {
    await run.process.written();
    const logFile = this.#surroundings.logFile("proxy");
    return {
      code: "proxy-not-started",
      what: told?.what ?? `The proxy does not get ready to accept connections.`,
      where: logFile,
      ...(told?.cause === undefined ? {} : { cause: told.cause }),
      detail: await lastLines(logFile, 10),
      fix: told?.fix ?? "its last lines say why; tidegate doctor looks at the rest",
    };
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  #complain(error: unknown): void {
    this.#surroundings.note(`proxy: ${error instanceof Error ? error.message : String(error)}`);
  }
}
