import type { IncomingMessage, ServerResponse } from "node:http";
import type { AnswerHead } from "./answer-head.ts";
import type { LongLived } from "./live-endpoint.ts";
import { trailersOf } from "./trailers.ts";

/** A last piece up to this size goes out with the header in one write. */
const SMALL_BYTES = 16 * 1024;
const EMPTY = Buffer.alloc(0);

/** An answer's body on its way to the client, after its head. */
export class AnswerRelay implements LongLived {
  /** The client has been given the answer's end, whether the app's or ours. */
  hasEnded = false;
  readonly #answer: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #isEventStream: boolean;
  /** Bytes that have not come yet; −1: nobody said how many. */
  #remaining: number;
  #hasWritten = false;
  #isAskedToClose = false;
  #isBetweenEvents = true;

  constructor(answer: IncomingMessage, response: ServerResponse, { length, isEventStream }: AnswerHead) {
    this.#answer = answer;
    this.#response = response;
    this.#isEventStream = isEventStream;
    this.#remaining = length === null ? -1 : Number(length);
  }

  /** The answer has none. */
  passNoBody(): void {
    this.hasEnded = true;
    this.#response.end();
    this.#answer.resume();
  }

  /** Passes it on piece by piece, taking no more than the client takes. `onCut`: it stopped without having ended. */
  pass(onCut: () => void): void {
    const answer = this.#answer;
    answer.on("data", (chunk: Buffer) => this.#onData(chunk));
    answer.on("end", () => this.#onEnd());
    answer.on("close", () => {
      if (!this.hasEnded) onCut();
    });
    flushSoon(this);
  }

  /** The header goes out now when the body lets itself be waited for. */
  flushHead(): void {
    if (this.#hasWritten || this.hasEnded || this.#response.destroyed) return;
    this.#hasWritten = true;
    this.#response.write(EMPTY);
  }

  /** The client must not take what it has got for the whole. */
  cutClient(): void {
    this.hasEnded = true;
    const response = this.#response;
    const endsByClosing = this.#remaining === -1 && !response.chunkedEncoding;
    if (endsByClosing) response.socket?.resetAndDestroy();
    response.destroy();
  }

  /** Event streams: ended between two events, so that the client asks again, elsewhere. */
  askToClose(): void {
    this.#isAskedToClose = true;
    if (this.#isBetweenEvents) this.cut();
  }

  /** Ends an event stream in an orderly way. */
  cut(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.#response.end();
    this.#answer.destroy();
  }

  #onData(chunk: Buffer): void {
    if (this.hasEnded) return;
    const response = this.#response;
    if (this.#remaining >= 0) {
      this.#remaining -= chunk.length;
      if (this.#remaining === 0) {
        this.hasEnded = true;
        // As text of one byte a character it joins the header in one write; as a buffer it would take two.
        if (chunk.length <= SMALL_BYTES && !this.#hasWritten) response.end(chunk.toString("latin1"), "latin1");
        else response.end(chunk);
        return;
      }
    }
    this.#hasWritten = true;
    if (!response.write(chunk)) {
      this.#answer.pause();
      response.once("drain", () => this.#answer.resume());
    }
    if (!this.#isEventStream) return;
    this.#isBetweenEvents = endsAnEvent(chunk);
    if (this.#isAskedToClose && this.#isBetweenEvents) this.cut();
  }

  #onEnd(): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    const trailers = trailersOf(this.#answer);
    if (trailers.length > 0 && this.#remaining === -1) this.#response.addTrailers(trailers);
    this.#response.end();
  }
}

let unflushed: AnswerRelay[] = [];

/** One look at the end of this turn of the loop, for all answers whose body did not come with the header. */
function flushSoon(relay: AnswerRelay): void {
  if (unflushed.push(relay) > 1) return;
  setImmediate(() => {
    const relays = unflushed;
    unflushed = [];
    for (const each of relays) each.flushHead();
  });
}

/** An empty line ends an event; its line ends are LF, CR or CRLF. */
function endsAnEvent(chunk: Buffer): boolean {
  const { length } = chunk;
  const last = chunk[length - 1];
  const before = chunk[length - 2];
  return (
    (last === 10 && (before === 10 || (before === 13 && chunk[length - 3] === 10))) || (last === 13 && before === 13)
  );
}
