import { setTimeout as delay } from "node:timers/promises";
import { callControl, type ControlRequest, type RawAnswer, Refusal } from "../local/control-socket.ts";
import { identify, isSameProcess, type ProcessIdentity } from "../local/process-identity.ts";
import type { HandOver } from "./hand-over.ts";
import type { Plane } from "./plane.ts";

/** Longer than whatever a control request may take. */
const FORWARD_MS = 25 * 3_600_000;
/** For the successor to fetch the last figures. */
const FIGURES_MS = 2_000;

interface Successor {
  readonly socket: string;
  readonly identity: ProcessIdentity | null;
}

/** The old process's part of a hand-over: who is in charge now, and what to do when that one dies. */
export class Succession {
  readonly #plane: Plane;
  readonly #takeCharge: () => void;
  #successor: Successor | null = null;
  /** Rows up to here have reached the successor. */
  #hasRead = 0;

  /** `takeCharge` lets the well-known socket lead to this process again. */
  constructor(plane: Plane, takeCharge: () => void) {
    this.#plane = plane;
    this.#takeCharge = takeCharge;
  }

  /** Somebody else is in charge. */
  get hasHappened(): boolean {
    return this.#successor !== null;
  }

  /** Answers a line with all that the new process needs, and then stays open for as long as both live. */
  async begin(socket: string, pid: number): Promise<RawAnswer> {
    const before = this.#successor;
    if (before?.identity != null && isSameProcess(before.identity)) {
      throw new Refusal(409, {
        code: "has-successor",
        what: `Process ${before.identity.pid} has taken over from this one already.`,
      });
    }
    const successor = { socket, identity: identify(pid) };
    // At once: whatever is asked from now on is passed on, and waits there until this has been answered.
    this.#successor = successor;
    this.#hasRead = 0;
    try {
      const inheritance = await this.#plane.inheritance();
      const handOver: HandOver = { ...inheritance, table: await this.#plane.table.handOver() };
      return (response) => {
        response.writeHead(200, { "content-type": "application/json" });
        response.write(`${JSON.stringify(handOver)}\n`);
        response.once("close", () => void this.#onSuccessorGone(successor));
        // It may have gone while this waited for its turn.
        if (response.socket?.destroyed !== false) void this.#onSuccessorGone(successor);
      };
    } catch (error) {
      this.#successor = before;
      this.#plane.past.goOn();
      throw error;
    }
  }

  /** Passes a request on to the process in charge. */
  forward({ method, path, query, body }: ControlRequest): Promise<unknown> {
    const search = query.size === 0 ? "" : `?${query.toString()}`;
    return callControl(this.#successor?.socket ?? "", `${path}${search}`, {
      method: method as "GET" | "PUT" | "POST" | "DELETE",
      ...(body === undefined ? {} : { body }),
      timeoutMs: FORWARD_MS,
    });
  }

  noteRead(since: number): void {
    this.#hasRead = Math.max(this.#hasRead, since);
  }

  /** Closes the counts and waits until the successor, if one lives, has them. */
  async giveLastFigures(): Promise<void> {
    const end = this.#plane.observations.finish();
    const until = performance.now() + FIGURES_MS;
    while (this.#successor !== null && this.#hasRead < end && performance.now() < until) await delay(20);
  }

  async #onSuccessorGone(successor: Successor): Promise<void> {
    if (this.#successor !== successor || this.#plane.isClosed) return;
    this.#successor = null;
    this.#plane.past.goOn();
    await this.#plane.table.takeBack();
    this.#plane.pause.end();
    // Another one may have asked meanwhile.
    if (this.#successor === null && !this.#plane.isClosed) this.#takeCharge();
  }
}
