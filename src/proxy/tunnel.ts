import type { Socket } from "node:net";
import type { Duration } from "../core/time/time.ts";
import type { LongLived } from "./live-endpoint.ts";
import { closeToClient, closeToServer, FrameFollower } from "./websocket-frames.ts";

/** How long a client gets to answer a Close before the app is told as well. */
const ANSWER_MS: Duration = 1_000;
/** How long what is still to be written may take when a tunnel is cut. */
const FLUSH_MS: Duration = 250;
/** How long one side of a WebSocket may stay after the other has ended. */
const FAREWELL_MS: Duration = 2_000;
const KEEP_ALIVE_MS: Duration = 60_000;

export interface TunnelEnds {
  readonly client: Socket;
  readonly app: Socket;
  /** Anything else that was upgraded to is passed on without being understood. */
  readonly isWebSocket: boolean;
  /** Once, when both sides are closed. `wasCut`: the app went without a Close, and nobody had asked it to. */
  readonly onEnd: (wasCut: boolean) => void;
}

/** Two connections that have become one. */
export class Tunnel implements LongLived {
  readonly #client: Socket;
  readonly #app: Socket;
  readonly #fromApp: Direction;
  readonly #fromClient: Direction;
  #isAskedToClose = false;
  #hasClientLeft = false;
  #wasCut = false;
  #open = 2;
  #tellApp: NodeJS.Timeout | undefined;
  #farewell: NodeJS.Timeout | undefined;

  constructor({ client, app, isWebSocket, onEnd }: TunnelEnds) {
    this.#client = client;
    this.#app = app;
    this.#fromApp = new Direction(app, client, isWebSocket);
    this.#fromClient = new Direction(client, app, isWebSocket);
    client.once("end", () => (this.#hasClientLeft = true));
    client.once("close", () => (this.#hasClientLeft = true));
    app.once("end", () => this.#noteAppGone(isWebSocket));
    app.once("error", () => this.#noteAppGone(true));
    app.once("close", () => this.#noteAppGone(isWebSocket));
    for (const [side, other] of [
      [client, app],
      [app, client],
    ] as const) {
      side.setTimeout(0);
      side.setKeepAlive(true, KEEP_ALIVE_MS);
      side.on("error", ignore);
      side.once("end", () => {
        other.end();
        // Half a WebSocket has no meaning; other protocols may well answer after the question has ended.
        if (isWebSocket) this.#sayFarewell(side);
      });
      side.once("close", () => {
        other.destroySoon();
        this.#open -= 1;
        if (this.#open > 0) return;
        clearTimeout(this.#tellApp);
        clearTimeout(this.#farewell);
        onEnd(this.#wasCut);
      });
    }
  }

  /**
   * Puts Close 1001 toward the client. What the client still says goes to the app, its answering Close among it; a client
   * that does not answer does not keep the app from being told.
   */
  askToClose(deadlineMs: Duration): void {
    if (this.#isAskedToClose) return;
    this.#isAskedToClose = true;
    this.#fromApp.finishWith(closeToClient());
    this.#tellApp = setTimeout(() => this.#fromClient.finishWith(closeToServer()), Math.min(ANSWER_MS, deadlineMs / 2));
  }

  cut(): void {
    this.#isAskedToClose = true;
    this.#fromApp.finishWith(closeToClient());
    this.#fromClient.finishWith(closeToServer());
    for (const side of [this.#client, this.#app]) {
      side.destroySoon();
      setTimeout(() => side.destroy(), FLUSH_MS).unref();
    }
  }

  #sayFarewell(side: Socket): void {
    side.end();
    this.#farewell ??= setTimeout(() => {
      this.#client.destroy();
      this.#app.destroy();
    }, FAREWELL_MS);
  }

  #noteAppGone(isMeaningful: boolean): void {
    if (!isMeaningful || this.#isAskedToClose || this.#hasClientLeft) return;
    if (!this.#fromApp.hasSeenClose && !this.#fromClient.hasSeenClose) this.#wasCut = true;
  }
}

/** One way through a tunnel, with backpressure. */
class Direction {
  readonly #to: Socket;
  /** null: not a WebSocket, or nothing that could be followed. */
  readonly #frames: FrameFollower | null;
  #lastFrame: Buffer | null = null;
  #isFinished = false;

  constructor(from: Socket, to: Socket, isWebSocket: boolean) {
    this.#to = to;
    this.#frames = isWebSocket ? new FrameFollower() : null;
    from.on("data", (bytes: Buffer) => {
      if (this.#pass(bytes)) return;
      from.pause();
      to.once("drain", () => from.resume());
    });
  }

  get hasSeenClose(): boolean {
    return this.#frames?.hasSeenClose === true;
  }

  /** Sends this frame as soon as the one under way has ended, and nothing after it. */
  finishWith(frame: Buffer): void {
    if (this.#frames === null || this.hasSeenClose || this.#lastFrame !== null) return;
    this.#lastFrame = frame;
    this.#finishAtBoundary();
  }

  #pass(bytes: Buffer): boolean {
    const frames = this.#frames;
    if (frames === null) return this.#to.write(bytes);
    if (this.#lastFrame === null) {
      frames.follow(bytes, false);
      return this.#to.write(bytes);
    }
    if (this.#isFinished) {
      frames.follow(bytes, false);
      return true;
    }
    const length = frames.follow(bytes, true);
    const isFree = this.#to.write(bytes.subarray(0, length));
    this.#finishAtBoundary();
    frames.follow(bytes.subarray(length), false);
    return isFree;
  }

  #finishAtBoundary(): void {
    if (this.#isFinished || this.#lastFrame === null || this.#frames?.isAtBoundary !== true) return;
    this.#isFinished = true;
    if (this.#to.writable) this.#to.write(this.#lastFrame);
  }
}

function ignore(): void {}
