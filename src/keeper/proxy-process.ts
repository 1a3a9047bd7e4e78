import type { ChildProcess } from "node:child_process";
import { isDeepStrictEqual } from "node:util";
import { setTimeout as delay } from "node:timers/promises";
import { type Fault, FaultError } from "../core/fault.ts";
import type { Listener } from "../core/routing.ts";
import { isAnswered } from "../local/control-socket.ts";
import type { ListenerMessage, ListenersDone, ProxyFailed, ProxyReady } from "../proxy/protocol.ts";
import { type HeldSocket, holdSocket } from "./held-socket.ts";
import { lastLines } from "../local/log-file.ts";
import type { Surroundings } from "./instance.ts";
import type { KeeperState, ProxySpec } from "./protocol.ts";
import { type KeeperRecord, type Life, UNBORN } from "./record.ts";
import { SupervisedProcess } from "./supervised-process.ts";

/** How long a proxy may take until it accepts connections. */
const READY_MS = 20_000;
/** Ends in a row after which waiting for it is no use; it is started again all the same. */
const TRIES = 3;
/** SIGTERM to SIGKILL; longer than the proxy itself gives to what is in flight. */
const STOP_MS = 15_000;

export interface ProxySurroundings extends Surroundings {
  readonly command: readonly string[];
  readonly directory: string;
  /** The proxy's control socket. */
  readonly controlSocket: string;
}

/** The data plane's process and the listening sockets that it works on. */
export class ProxyProcess {
  readonly #surroundings: ProxySurroundings;
  readonly #process: SupervisedProcess;
  readonly #held = new Map<string, HeldSocket>();
  #spec: ProxySpec;
  /** Whether the living process has said that it accepts on all of them; a fault when it said that it can't. */
  #ready: boolean | Fault = false;

  constructor(spec: ProxySpec, life: Life | null, surroundings: ProxySurroundings) {
    const { command, directory, backoff, logFile, save, note } = surroundings;
    const [file = process.execPath, ...args] = command;
    this.#spec = spec;
    this.#surroundings = surroundings;
    this.#process = new SupervisedProcess(
      {
        name: "proxy",
        file,
        args,
        directory,
        logFile: logFile("proxy"),
        restart: "on-crash",
        backoff,
        // The proxy is a part of Tidegate: it gets what the keeper itself got.
        environment: () => ({ ...process.env }) as Record<string, string>,
        onSpawn: (child) => this.#hand(child),
        onChange: save,
        note,
      },
      life ?? UNBORN,
    );
  }

  /** Brings the sockets and the proxy to what is asked for; returns when it accepts. Faults: see held-socket.ts, proxy-not-started. */
  async apply(spec: ProxySpec): Promise<void> {
    if (!isDeepStrictEqual(spec, this.#spec) || !this.#isServing()) {
      await this.#arrangeSockets(spec);
      this.#spec = spec;
      await this.#surroundings.save();
      if (this.#process.child !== null) this.#hand(this.#process.child);
      await this.#process.start();
    }
    await this.#untilReady();
  }

  /** Goes on with what the keeper before left. */
  async restore(): Promise<void> {
    // Only when there is no proxy to adopt are the sockets free to be opened.
    await this.#process.restore();
    if (this.#process.state !== "running")
      await this.#hold(this.#spec).catch((error: unknown) => this.#complain(error));
  }

  state(): KeeperState["proxy"] & object {
    const { restarts, lastExit } = this.#process.life;
    return {
      spec: this.#spec,
      ...(this.#process.identity === null ? {} : { pid: this.#process.identity.pid }),
      state: this.#process.state,
      restarts,
      ...(lastExit === undefined ? {} : { lastExit }),
      holdsSockets: this.#held.size === this.#spec.listeners.length,
      logFile: this.#surroundings.logFile("proxy"),
    };
  }

  record(): NonNullable<KeeperRecord["proxy"]> {
    return { spec: this.#spec, life: this.#process.life };
  }

  async stop(): Promise<void> {
    await this.#process.stop(STOP_MS);
    for (const listener of this.#spec.listeners) this.#letGo(listener);
  }

  release(): void {
    this.#process.release();
    for (const socket of this.#held.values()) socket[Symbol.dispose]();
    this.#held.clear();
  }

  #isServing(): boolean {
    return this.#process.state === "running" && (this.#ready === true || this.#isAdopted());
  }

  /** An adopted proxy has no channel: it keeps the sockets that it has until something about them must change. */
  #isAdopted(): boolean {
    return this.#process.state === "running" && this.#process.child === null;
  }

  async #arrangeSockets(spec: ProxySpec): Promise<void> {
    const going = this.#spec.listeners.filter((old) => !spec.listeners.some((next) => keyOf(next) === keyOf(old)));
    const adopted = this.#isAdopted();
    // The new ones first: when a port is taken, nothing has changed yet.
    if (!adopted) await this.#hold(spec);
    if (adopted || going.length > 0) await this.#process.stop(STOP_MS);
    for (const listener of going) this.#letGo(listener);
    if (adopted) await this.#hold(spec);
  }

  async #hold(spec: ProxySpec): Promise<void> {
    const missing = spec.listeners.filter((listener) => !this.#held.has(keyOf(listener)));
    const opened = await Promise.allSettled(missing.map((listener) => holdSocket(listener)));
    const failed = opened.find((result) => result.status === "rejected");
    for (const [n, result] of opened.entries()) {
      if (result.status === "rejected") continue;
      if (failed === undefined) this.#held.set(keyOf(missing[n] as Listener), result.value);
      else result.value[Symbol.dispose]();
    }
    if (failed !== undefined) throw failed.reason;
  }

  #letGo(listener: Listener): void {
    this.#held.get(keyOf(listener))?.[Symbol.dispose]();
    this.#held.delete(keyOf(listener));
  }

  /** Sends the sockets to a proxy and hears whether it accepts on them. */
  #hand(child: ChildProcess): void {
    this.#ready = false;
    child.removeAllListeners("message");
    child.on("message", (message: ProxyReady | ProxyFailed) => {
      this.#ready = message.type === "failed" ? message.fault : true;
      if (message.type === "failed") this.#surroundings.note(`proxy: ${message.fault.what}`);
    });
    this.#handAll(child).catch((error: unknown) => this.#complain(error));
  }

  async #handAll(child: ChildProcess): Promise<void> {
    // After an adopted proxy has died nobody holds them: this is the moment at which they are opened again.
    await this.#hold(this.#spec);
    for (const asked of this.#spec.listeners) {
      const socket = this.#held.get(keyOf(asked));
      if (socket === undefined) continue;
      const listener = { ...asked, host: socket.listener.host, port: socket.listener.port };
      const message: ListenerMessage = { type: "listener", listener, timeouts: this.#spec.timeouts };
      child.send(message, socket.handle as never, (error) => error && this.#complain(error));
    }
    const done: ListenersDone = { type: "listeners-done" };
    child.send(done, (error) => error && this.#complain(error));
  }

  async #untilReady(): Promise<void> {
    const until = performance.now() + READY_MS;
    while (performance.now() < until) {
      if (typeof this.#ready === "object") throw new FaultError(await this.#notStarted(this.#ready));
      if (this.#isServing() && (await isAnswered(this.#surroundings.controlSocket))) return;
      if (this.#process.life.failuresInARow >= TRIES) break;
      await delay(10);
    }
    throw new FaultError(await this.#notStarted());
  }

  async #notStarted(told?: Fault): Promise<Fault> {
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

  #complain(error: unknown): void {
    this.#surroundings.note(`proxy: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function keyOf(listener: { readonly host: string; readonly port: number }): string {
  return `${listener.host}:${listener.port}`;
}
