import type { ServerResponse } from "node:http";
import type { AnswerHead } from "./answer-head.ts";
import { lendCopy } from "./lent-buffers.ts";
import type { LongLived } from "./live-endpoint.ts";
import { trailersOf } from "./trailers.ts";

/** A last piece up to this size goes out with the head in one write. */
const SMALL_BYTES = 16 * 1024;
const EMPTY = Buffer.alloc(0);

/** Where the answer comes from. */
export interface AnswerSource {
  pause(): void;
  resume(): void;
  /** No more of it is wanted. */
  abandon(): void;
}

/** An answer's body on its way to the client, after its head. */
export class AnswerRelay implements LongLived {
  /** The client has been given the answer's end, whether the app's or ours. */
  hasEnded = false;
  readonly #source: AnswerSource;
  readonly #response: ServerResponse;
  readonly #isEventStream: boolean;
  /** Bytes that have not come yet; −1: nobody said how many. */
  #remaining: number;
  #hasWritten = false;
  #isAskedToClose = false;
  #isBetweenEvents = true;

  constructor(source: AnswerSource, response: ServerResponse, { length, isEventStream }: AnswerHead) {
    this.#source = source;
    this.#response = response;
    this.#isEventStream = isEventStream;
    this.#remaining = length ?? -1;
  }

  /** `bytes` are overwritten after the call. */
  pass(bytes: Buffer): void {
    if (this.hasEnded) return;
    const response = this.#response;
    if (this.#remaining >= 0) {
      this.#remaining -= bytes.length;
      if (this.#remaining === 0) {
        this.hasEnded = true;
        // As text of one byte a character it joins the head in one write; as a buffer it would take two.
        if (bytes.length <= SMALL_BYTES && !this.#hasWritten) response.end(bytes.toString("latin1"), "latin1");
        else {
          const { copy, giveBack } = lendCopy(bytes);
          response.end(copy, giveBack);
        }
        return;
      }
    }
    this.#hasWritten = true;
    const { copy, giveBack } = lendCopy(bytes);
    if (!response.write(copy, giveBack)) {
      this.#source.pause();
      response.once("drain", () => this.#source.resume());
    }
    if (!this.#isEventStream) return;
    this.#isBetweenEvents = endsAnEvent(bytes);
    if (this.#isAskedToClose && this.#isBetweenEvents) this.cut();
  }

  /** The head goes out now when the body lets itself be waited for. */
  flushHead(): void {
    if (this.#hasWritten || this.hasEnded) return;
    this.#hasWritten = true;
    this.#response.write(EMPTY);
  }

  end(rawTrailers: readonly string[]): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    if (rawTrailers.length > 0 && this.#response.chunkedEncoding) this.#response.addTrailers(trailersOf(rawTrailers));
    this.#response.end();
  }

  /** It stopped without having ended: the client must not take what it has got for the whole. */
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
    this.#source.abandon();
  }
}

/** An empty line ends an event; its line ends are LF, CR or CRLF. */
function endsAnEvent(bytes: Buffer): boolean {
  const { length } = bytes;
  const last = bytes[length - 1];
  const before = bytes[length - 2];
  return (
    (last === 10 && (before === 10 || (before === 13 && bytes[length - 3] === 10))) || (last === 13 && before === 13)
  );
}
