import type { IncomingMessage } from "node:http";
import type { AnswerHandler, InstanceConnection } from "./instance-connection.ts";
import { trailersOf } from "./trailers.ts";

/** A body up to this size goes out with the head in one write. */
const SMALL_BYTES = 16 * 1024;

/** A request's body on its way to the instance. */
export class RequestBody {
  /** When the last of it had arrived; null: it still comes. */
  doneAt: number | null = null;
  readonly #request: IncomingMessage;
  /** Bytes that have not come yet; null: in chunks, nobody said how many. */
  #left: number | null;
  #lastAt = performance.now();

  constructor(request: IncomingMessage) {
    this.#request = request;
    const length = request.headers["content-length"];
    this.#left = length === undefined ? null : Number(length);
  }

  /** Sends the head, then passes the body on piece by piece, taking no more than the instance takes. */
  passTo(connection: InstanceConnection, head: string, handler: AnswerHandler): void {
    const request = this.#request;
    const resume = (): void => void request.resume();
    let isHeadSent = false;
    const sendHead = (): void => {
      if (isHeadSent) return;
      isHeadSent = true;
      connection.write(head, resume);
    };
    const finish = (): void => {
      this.doneAt = performance.now();
      connection.finish(handler);
    };
    this.#lastAt = performance.now();
    // The app may want to answer to the head alone.
    setImmediate(sendHead);
    request.on("data", (chunk: Buffer) => {
      this.#lastAt = performance.now();
      if (this.#left !== null) this.#left -= chunk.length;
      if (this.#left === 0 && !isHeadSent && chunk.length <= SMALL_BYTES) {
        isHeadSent = true;
        connection.write(head + chunk.toString("latin1"), resume);
        finish();
        return;
      }
      connection.cork();
      sendHead();
      if (this.#left === null) connection.write(`${chunk.length.toString(16)}\r\n`, resume);
      let isFree = connection.write(chunk, resume);
      if (this.#left === null) isFree = connection.write("\r\n", resume);
      connection.uncork();
      if (!isFree) request.pause();
      if (this.#left === 0) finish();
    });
    request.on("end", () => {
      if (this.#left !== null) return;
      sendHead();
      let text = "0\r\n";
      for (const [name, value] of trailersOf(request.rawTrailers)) text += `${name}: ${value}\r\n`;
      connection.write(`${text}\r\n`, resume);
      finish();
    });
    request.on("close", () => {
      if (!request.complete) connection.abandon(handler);
    });
  }

  /** For how long nothing has come of a body that is being waited for. */
  stalledMs(now: number): number {
    return this.doneAt !== null || this.#request.isPaused() ? 0 : now - this.#lastAt;
  }
}
