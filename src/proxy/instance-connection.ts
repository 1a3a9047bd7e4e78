import { connect, type Socket } from "node:net";
import type { Duration } from "../core/time/time.ts";
import { type AnswerHead, readAnswerHead } from "./answer-head.ts";
import { AnswerParser, type Framing, type RawHead } from "./answer-parser.ts";
import { READ_BYTES } from "./lent-buffers.ts";

/** Why there is no answer, or no more of it. */
export type Failure =
  /** Nothing was sent. */
  | "not-connected"
  | "connect-timeout"
  /** The instance closed the connection. */
  | "cut"
  /** It says something that is not HTTP/1.1. */
  | "bad-answer";

/** Who sent the request. Whatever bytes it is given are overwritten after the call. */
export interface AnswerHandler {
  onInformation(head: RawHead): void;
  onHead(head: AnswerHead): void;
  onBody(bytes: Buffer): void;
  /** All that came at once has been told. */
  onPause(): void;
  onEnd(rawTrailers: readonly string[]): void;
  /** In the place of onEnd. */
  onFailed(failure: Failure): void;
}

export interface OutgoingRequest {
  /** Request line and headers with the empty line after them, one byte a character. */
  readonly head: string;
  readonly isHead: boolean;
  readonly hasBody: boolean;
  /** Whether the client can take trailers. */
  readonly takesTrailers: boolean;
}

/** All connections read into it, one at a time; nothing that is kept may point into it. */
const READ_BUFFER = Buffer.allocUnsafeSlow(READ_BYTES);

/** A connection to an instance, for one request at a time. */
export class InstanceConnection {
  /** Of the monotonic clock. */
  idleSince = 0;
  /** It has served a request before. */
  isReused = false;
  /** A byte of the answer to the present request has come. */
  hasBytes = false;
  isOpen = false;

  readonly #socket: Socket;
  readonly #parser: AnswerParser;
  readonly #onIdle: (connection: InstanceConnection) => void;
  readonly #onClosed: (connection: InstanceConnection) => void;
  readonly #timeout: NodeJS.Timeout;
  #handler: AnswerHandler | null = null;
  #request: OutgoingRequest | null = null;
  #failure: Failure = "not-connected";
  /** The whole request has been handed to the socket. */
  #isSent = true;
  #keepsAlive = true;
  #onDrain: (() => void) | null = null;
  #onOpen: (() => void) | null = null;

  constructor(
    host: string,
    port: number,
    connectMs: Duration,
    events: {
      readonly onIdle: (connection: InstanceConnection) => void;
      readonly onClosed: (connection: InstanceConnection) => void;
    },
  ) {
    this.#onIdle = events.onIdle;
    this.#onClosed = events.onClosed;
    this.#parser = new AnswerParser({
      onInformation: (head) => this.#handler?.onInformation(head),
      onHead: (head) => this.#onHead(head),
      onBody: (bytes) => this.#handler?.onBody(bytes),
      onEnd: (trailers) => this.#onEnd(trailers),
    });
    const socket = connect({
      host,
      port,
      noDelay: true,
      onread: {
        buffer: READ_BUFFER,
        callback: (length) => {
          this.#onBytes(length === READ_BUFFER.length ? READ_BUFFER : READ_BUFFER.subarray(0, length));
          return true;
        },
      },
    });
    this.#socket = socket;
    this.#timeout = setTimeout(() => {
      this.#failure = "connect-timeout";
      socket.destroy();
    }, connectMs);
    socket.once("connect", () => {
      clearTimeout(this.#timeout);
      this.isOpen = true;
      this.#failure = "cut";
      this.#onOpen?.();
      this.#onOpen = null;
    });
    socket.on("drain", () => {
      const resume = this.#onDrain;
      this.#onDrain = null;
      resume?.();
    });
    socket.once("end", () => {
      // An orderly end is the end of an answer that has no other one; a reset is not.
      this.#parser.close();
      this.#fail(this.#failure);
      socket.destroy();
    });
    // What went wrong is told by "close", which follows.
    socket.on("error", () => undefined);
    socket.once("close", () => {
      clearTimeout(this.#timeout);
      this.#fail(this.#failure);
      this.#onClosed(this);
    });
  }

  /** Whether a request may be sent on it; bytes or an end that came while it was idle have closed it already. */
  get isUsable(): boolean {
    return this.#socket.writable && this.#socket.readable && this.#handler === null && this.#parser.isDone;
  }

  /** Sends a request, or its head, and tells the handler of the answer. */
  send(request: OutgoingRequest, handler: AnswerHandler): void {
    this.#handler = handler;
    this.#request = request;
    this.#isSent = !request.hasBody;
    this.#keepsAlive = true;
    this.hasBytes = false;
    this.#parser.begin();
    if (!request.hasBody) this.#socket.write(request.head, "latin1");
  }

  /** Calls back when there is a connection: at once, or later. */
  whenOpen(then: () => void): void {
    if (this.isOpen) then();
    else this.#onOpen = then;
  }

  /** A piece of the request, head or body; false: more only after `onDrain`. */
  write(piece: string | Uint8Array, onDrain: () => void): boolean {
    const socket = this.#socket;
    if (!socket.writable) return true;
    const isFree = typeof piece === "string" ? socket.write(piece, "latin1") : socket.write(piece);
    if (!isFree) this.#onDrain = onDrain;
    return isFree;
  }

  /** Pieces written between the two go out in one. */
  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  /** The whole request has been written. */
  finish(handler: AnswerHandler): void {
    this.#isSent = true;
    // The answer may have come before.
    if (this.#handler === handler && this.#parser.isDone) this.#release();
  }

  pause(handler: AnswerHandler): void {
    if (this.#handler === handler) this.#socket.pause();
  }

  resume(handler: AnswerHandler): void {
    if (this.#handler === handler) this.#socket.resume();
  }

  /** The handler wants no more of it. What belongs to another request by now is left alone. */
  abandon(handler: AnswerHandler): void {
    if (this.#handler !== handler) return;
    this.#handler = null;
    this.#socket.destroy();
  }

  /** Closes it, at once when it is idle, else after its request. */
  close(): void {
    if (this.#handler === null) this.#socket.destroy();
    else this.#keepsAlive = false;
  }

  #onBytes(bytes: Buffer): void {
    this.hasBytes = true;
    this.#parser.feed(bytes);
    if (this.#parser.isBad) {
      this.#fail("bad-answer");
      this.#socket.destroy();
    } else this.#handler?.onPause();
  }

  #onHead(head: RawHead): Framing | null {
    const request = this.#request;
    const handler = this.#handler;
    const answer = readAnswerHead(head, request?.takesTrailers === true);
    if (request === null || handler === null || answer === null) return null;
    const framing = framingOf(answer, request.isHead);
    if (!answer.keepsAlive || framing.kind === "until-close") this.#keepsAlive = false;
    handler.onHead(answer);
    return framing;
  }

  #onEnd(trailers: readonly string[]): void {
    const handler = this.#handler;
    if (this.#isSent || !this.#keepsAlive) this.#release();
    handler?.onEnd(trailers);
  }

  /** The answer is whole; the connection may serve the next request. */
  #release(): void {
    this.#handler = null;
    this.#request = null;
    this.#onDrain = null;
    if (!this.#keepsAlive || !this.#socket.writable) {
      this.#socket.destroySoon();
      return;
    }
    // The answer's last bytes may have come together with those that were too many for the client just then.
    if (this.#socket.isPaused()) this.#socket.resume();
    this.isReused = true;
    this.idleSince = performance.now();
    this.#onIdle(this);
  }

  #fail(failure: Failure): void {
    const handler = this.#handler;
    this.#handler = null;
    // Who waits to write more must not wait for ever.
    const resume = this.#onDrain;
    this.#onDrain = null;
    resume?.();
    handler?.onFailed(failure);
  }
}

/** RFC 9112, 6.3. */
function framingOf({ status, length, isChunked }: AnswerHead, isHead: boolean): Framing {
  if (isHead || status === 204 || status === 304) return { kind: "none" };
  if (isChunked) return { kind: "chunked" };
  return length === null ? { kind: "until-close" } : { kind: "length", bytes: length };
}
