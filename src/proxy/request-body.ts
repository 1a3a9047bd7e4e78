import type { ClientRequest, IncomingMessage } from "node:http";
import { trailersOf } from "./trailers.ts";

const EMPTY = Buffer.alloc(0);

/** A request's body on its way to the instance. */
export class RequestBody {
  /** When the last of it had arrived; null: it still comes. */
  doneAt: number | null = null;
  readonly #request: IncomingMessage;
  #lastAt = performance.now();

  constructor(request: IncomingMessage) {
    this.#request = request;
  }

  /** Passes it on piece by piece, taking no more than the instance takes. */
  passTo(outgoing: ClientRequest): void {
    const request = this.#request;
    let hasBegun = false;
    this.#lastAt = performance.now();
    setImmediate(() => {
      // The app may want to answer to the header alone.
      if (!hasBegun && !outgoing.destroyed) outgoing.write(EMPTY);
    });
    request.on("data", (chunk: Buffer) => {
      hasBegun = true;
      this.#lastAt = performance.now();
      if (outgoing.destroyed || outgoing.write(chunk)) return;
      request.pause();
      outgoing.once("drain", () => request.resume());
    });
    request.on("end", () => {
      hasBegun = true;
      this.doneAt = performance.now();
      const trailers = trailersOf(request);
      if (trailers.length > 0) outgoing.addTrailers(trailers);
      outgoing.end();
    });
    request.on("close", () => {
      if (!request.complete) outgoing.destroy();
    });
    // Nobody takes it any more: what is left is read and dropped, so that the client's next request can be read.
    outgoing.on("close", () => request.resume());
  }

  /** For how long nothing has come of a body that is being waited for. */
  stalledMs(now: number): number {
    return this.doneAt !== null || this.#request.isPaused() ? 0 : now - this.#lastAt;
  }
}
