import { readdirSync, unlinkSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Fault, FaultError } from "../core/fault.ts";
import type { SecondRow } from "../core/observation.ts";
import type { TrafficState } from "../core/traffic/routing.ts";
import type { Duration } from "../core/time/time.ts";
import { callControl, type ControlCall, isAnswered, Refusal } from "../local/control-socket.ts";
import { http } from "../local/node-http.ts";
import { identify, isSameProcess, type ProcessIdentity } from "../local/process-identity.ts";
import type { EarlierRows } from "./earlier-rows.ts";
import { type HandOver, OWN_SOCKET } from "./hand-over.ts";
import {
  type EarlierObservations,
  type FollowedTable,
  type LeaveWithin,
  type ProxyObservations,
  SUCCESSOR_HEADER,
} from "./protocol.ts";
import { steadyWall } from "./steady-wall.ts";
import type { Follower } from "./table-in-force.ts";

const ANSWER_MS = 5_000;
/** A process that does not follow a change within this is ended: it would go on sending requests where none may go. */
const FOLLOW_MS = 3_000;
/** The same in an emergency, which must be in force within a second. */
const FOLLOW_NOW_MS = 600;
const REFRESH_MS = 250;
/** Between the end of its service and that of its process. */
const GONE_WITHIN_MS = 10_000;

/** The process that was in charge before this one, for as long as it still finishes what it has. */
export class Predecessor implements Follower {
  readonly handedOver: HandOver;
  /** Resolves when it serves no more. */
  readonly ended: Promise<void>;
  /** Resolves when its process is gone. */
  readonly gone: Promise<void>;
  readonly rows: EarlierRows;
  /** As it was a moment ago; null when it has ended. */
  state: TrafficState | null = null;
  /** Told of what it counts after the hand-over. */
  onRows: (rows: readonly SecondRow[]) => void = () => undefined;

  readonly #socket: string;
  readonly #identity: ProcessIdentity | null;
  readonly #timer: NodeJS.Timeout;
  #isRefreshing = false;

  private constructor(socket: string, handedOver: HandOver, stream: IncomingMessage, rows: EarlierRows) {
    this.handedOver = handedOver;
    this.rows = rows;
    this.#socket = socket;
    this.#identity = identify(handedOver.pid);
    this.#timer = setInterval(() => void this.#refresh(), REFRESH_MS);
    this.#timer.unref();
    this.ended = new Promise((resolve) => {
      stream.on("error", () => undefined);
      stream.once("close", () => {
        clearInterval(this.#timer);
        this.state = null;
        resolve();
      });
      stream.resume();
    });
    this.gone = this.ended.then(() => this.#untilGone());
  }

  /**
   * Takes charge from the process that has it, if one lives. `ownSocket` must answer already: whatever reaches that one
   * from then on comes here. Faults: predecessor-silent.
   */
  static async meet(ownSocket: string, rows: EarlierRows): Promise<Predecessor | null> {
    for (const socket of otherSockets(ownSocket)) {
      if (!(await isAnswered(socket))) {
        removeLeftover(socket);
        continue;
      }
      const met = await askForCharge(socket, ownSocket);
      if (met === null) continue;
      const predecessor = new Predecessor(socket, met.handOver, met.stream, rows);
      await predecessor.#refresh();
      return predecessor;
    }
    return null;
  }

  /** Resolves when it has the change, or can do no harm any more. */
  async follow(change: FollowedTable): Promise<void> {
    const timeoutMs = change.table.emergency === undefined ? FOLLOW_MS : FOLLOW_NOW_MS;
    try {
      await this.#call("/follow", { method: "PUT", body: change, timeoutMs });
    } catch {
      this.#end();
    }
  }

  /** It accepts no more when this resolves. */
  async leave(within: LeaveWithin): Promise<void> {
    await this.#call("/leave", { method: "POST", body: within }).catch(() => this.#end());
  }

  /** What it has left there at the deadline. */
  async drain(endpoint: string, deadlineMs: Duration): Promise<number> {
    const body = { endpoint, deadlineMs };
    const answer = await this.#call<{ left: number }>("/drain", {
      method: "POST",
      body,
      timeoutMs: deadlineMs + ANSWER_MS,
    }).catch(() => ({ left: 0 }));
    return answer.left;
  }

  /** What a version has left there at the deadline. */
  async empty(version: string, withinMs: Duration): Promise<number> {
    const answer = await this.#call<{ left: number }>("/empty", {
      method: "POST",
      body: { version, withinMs },
      timeoutMs: withinMs + ANSWER_MS,
    }).catch(() => ({ left: 0 }));
    return answer.left;
  }

  async pause(forMs: Duration, max: number): Promise<void> {
    await this.#call("/pause", { method: "POST", body: { forMs: Math.ceil(forMs), max } }).catch(() => undefined);
  }

  async resume(): Promise<void> {
    await this.#call("/resume", { method: "POST" }).catch(() => undefined);
  }

  async #refresh(): Promise<void> {
    if (this.#isRefreshing) return;
    this.#isRefreshing = true;
    try {
      const { proxy } = this.handedOver;
      const [state, batch] = await Promise.all([
        this.#call<TrafficState>("/state"),
        this.#call<ProxyObservations>(`/observations?${this.rows.query(proxy)}`),
      ]);
      this.state = state;
      const now = steadyWall();
      const ahead = Math.round((now - batch.at) / 1_000);
      for (const each of [batch, ...(batch.earlier ?? [])]) this.onRows(this.rows.add(dated(each, ahead)));
      this.rows.forgetOld(now);
    } catch {
      // Its end is told by the stream; until then the next look may be luckier.
    } finally {
      this.#isRefreshing = false;
    }
  }

  async #untilGone(): Promise<void> {
    const until = performance.now() + GONE_WITHIN_MS;
    while (this.#identity !== null && isSameProcess(this.#identity) && performance.now() < until)
      await delay(50, undefined, { ref: false });
    // One that was killed could not.
    removeLeftover(this.#socket);
  }

  #call<T>(path: string, call: ControlCall = {}): Promise<T> {
    return callControl<T>(this.#socket, path, { ...call, headers: { [SUCCESSOR_HEADER]: String(process.pid) } });
  }

  #end(): void {
    if (this.#identity === null || !isSameProcess(this.#identity)) return;
    const { pid } = this.#identity;
    process.stderr.write(`process ${pid}, which this one took over from, does not follow and is ended\n`);
    process.kill(pid, "SIGKILL");
  }
}

/** By this process's clock: the machine's may have been set since the other one began. */
function dated(batch: EarlierObservations, aheadSeconds: number): EarlierObservations {
  if (aheadSeconds === 0) return batch;
  return { ...batch, rows: batch.rows.map((row) => ({ ...row, second: row.second + aheadSeconds })) };
}

function otherSockets(ownSocket: string): readonly string[] {
  const folder = dirname(ownSocket);
  return readdirSync(folder)
    .filter((name) => OWN_SOCKET.test(name))
    .map((name) => join(folder, name))
    .filter((path) => path !== ownSocket);
}

function removeLeftover(socket: string): void {
  try {
    unlinkSync(socket);
  } catch {
    // Somebody else was quicker.
  }
}

/** null: it has another successor, or ended just now. */
async function askForCharge(
  socketPath: string,
  ownSocket: string,
): Promise<{ readonly handOver: HandOver; readonly stream: IncomingMessage } | null> {
  const body = JSON.stringify({ socket: ownSocket, pid: process.pid });
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = http().request({
    socketPath,
    path: "/hand-over",
    method: "POST",
    agent: false,
    headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body), [SUCCESSOR_HEADER]: "1" },
  });
  outgoing.once("response", resolve).on("error", reject).end(body);
  const timer = setTimeout(() => outgoing.destroy(new Error(`no answer within ${ANSWER_MS} ms`)), ANSWER_MS);
  try {
    const stream = await promise;
    const line = await firstLine(stream);
    if (stream.statusCode === 200) return { handOver: JSON.parse(line) as HandOver, stream };
    const { fault } = JSON.parse(line) as { readonly fault: Fault };
    if (fault.code === "has-successor") return null;
    throw new Refusal(stream.statusCode ?? 500, fault);
  } catch (error) {
    if (error instanceof FaultError) throw error;
    if (!(await isAnswered(socketPath))) return null;
    throw silent(socketPath, error);
  } finally {
    clearTimeout(timer);
  }
}

function firstLine(stream: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const read = (chunk: Buffer): void => {
      text += chunk.toString("utf8");
      if (!text.includes("\n")) return;
      stream.off("data", read);
      resolve(text.slice(0, text.indexOf("\n")));
    };
    stream.on("data", read);
    stream.once("end", () => resolve(text));
    stream.once("error", reject);
  });
}

function silent(where: string, error: unknown): FaultError {
  return new FaultError(
    {
      code: "predecessor-silent",
      what: "The data plane's running process does not answer, so nothing can be taken over from it.",
      where,
      cause: error instanceof Error ? error.message : String(error),
      fix: "end it with kill -9: the keeper starts another one, and no connection is refused meanwhile",
    },
    { cause: error },
  );
}
