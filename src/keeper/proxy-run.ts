import type { ChildProcess } from "node:child_process";
import type { Fault } from "../core/fault.ts";
import type { Listener } from "../core/traffic/routing.ts";
import type { TakenSocket } from "../local/take-sockets.ts";
import type { LeaveWithin, ListenerMessage, ListenersDone, ProxyFailed, ProxyReady } from "../proxy/protocol.ts";
import type { HeldSocket } from "./held-socket.ts";
import type { Surroundings } from "./instance.ts";
import type { ProxySpec } from "./protocol.ts";
import type { Life } from "./record.ts";
import { SupervisedProcess } from "./supervised-process.ts";

export interface ProxySurroundings extends Surroundings {
  readonly command: readonly string[];
  readonly directory: string;
  /** Listening sockets that were opened before, by systemd, and stay open. */
  readonly given: readonly TakenSocket[];
  /** The proxy's control socket. */
  readonly controlSocket: string;
}

/** What a process of the data plane gets. */
export interface Handed {
  readonly spec: ProxySpec;
  readonly socketFor: (listener: Listener) => HeldSocket | undefined;
  /** How the process before it is to leave; by default as protocol.ts says. */
  readonly leaveWithin?: LeaveWithin;
}

/** One process of the data plane, which gets its sockets over its channel and says when it accepts on them. */
export class ProxyRun {
  readonly process: SupervisedProcess;
  /** Whether the living process has said that it accepts on all of them; a fault when it said that it can't. */
  ready: boolean | Fault = false;
  /** Told when it says that it can't serve. */
  onFailed: (fault: Fault) => void = () => undefined;

  readonly #note: (text: string) => void;

  /** `toHand` is asked whenever there is a new process. */
  constructor(life: Life, surroundings: ProxySurroundings, toHand: () => Promise<Handed>) {
    const { command, directory, backoff, logFile, save, note } = surroundings;
    const [file = process.execPath, ...args] = command;
    this.#note = note;
    this.process = new SupervisedProcess(
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
        onSpawn: (child) =>
          void toHand()
            .then((handed) => this.#hand(child, handed))
            .catch((error: unknown) => this.#complain(error)),
        onChange: save,
        note,
      },
      life,
    );
  }

  /** An adopted one has no channel: it keeps the sockets that it has. */
  get isAdopted(): boolean {
    return this.process.state === "running" && this.process.child === null;
  }

  get isServing(): boolean {
    return this.process.state === "running" && (this.ready === true || this.isAdopted);
  }

  /** Gives the living process, if it is this keeper's own, what has changed. */
  hand(handed: Handed): void {
    if (this.process.child !== null) this.#hand(this.process.child, handed);
  }

  #hand(child: ChildProcess, { spec, socketFor, leaveWithin }: Handed): void {
    this.ready = false;
    child.removeAllListeners("message");
    child.on("message", (message: ProxyReady | ProxyFailed) => {
      this.ready = message.type === "failed" ? message.fault : true;
      if (message.type !== "failed") return;
      this.#note(`proxy: ${message.fault.what}`);
      this.onFailed(message.fault);
    });
    const complain = (error: Error | null): void => void (error !== null && this.#complain(error));
    for (const asked of spec.listeners) {
      const socket = socketFor(asked);
      if (socket === undefined) continue;
      const { host, port } = socket.listener;
      const message: ListenerMessage = {
        type: "listener",
        listener: { ...asked, host, port },
        timeouts: spec.timeouts,
      };
      child.send(message, socket.handle as never, complain);
    }
    const done: ListenersDone = { type: "listeners-done", ...(leaveWithin === undefined ? {} : { leaveWithin }) };
    child.send(done, complain);
  }

  #complain(error: unknown): void {
    this.#note(`proxy: ${error instanceof Error ? error.message : String(error)}`);
  }
}
