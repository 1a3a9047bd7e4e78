import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

const TEXT = 0x1;
const CONTINUATION = 0x0;
const CLOSE = 0x8;
const PING = 0x9;
const PONG = 0xa;

const LONGEST_MESSAGE = 64 * 1024;
/** A reader this far behind misses what is sent until it has caught up. */
const BACKLOG = 256 * 1024;
const HEARTBEAT_MS = 15_000;
/** How long the other side may take to answer a close. */
const CLOSE_MS = 1_000;

export const GOING_AWAY = 1001;
const PROTOCOL_ERROR = 1002;
const NOT_TEXT = 1003;
const BAD_UTF8 = 1007;
const TOO_BIG = 1009;

/** Answers an upgrade request; null when it was no good one and has been refused. Source: RFC 6455. */
export function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  headers: Readonly<Record<string, string>>,
): WebSocketConnection | null {
  const key = request.headers["sec-websocket-key"];
  const isWebSocket = request.headers.upgrade?.toLowerCase() === "websocket";
  if (
    !isWebSocket ||
    request.method !== "GET" ||
    key === undefined ||
    request.headers["sec-websocket-version"] !== "13"
  ) {
    refuse(socket, 400, headers);
    return null;
  }
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  socket.write(
    responseHead("101 Switching Protocols", {
      upgrade: "websocket",
      connection: "Upgrade",
      "sec-websocket-accept": accept,
      ...headers,
    }),
  );
  return new WebSocketConnection(socket, head);
}

/** Says no to an upgrade, and that it was the shop who did. */
export function refuse(socket: Duplex, status: number, headers: Readonly<Record<string, string>>): void {
  socket.on("error", () => undefined);
  socket.end(
    responseHead(`${status} No`, { ...headers, "x-shop-error": "1", connection: "close", "content-length": "0" }),
  );
}

function responseHead(status: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status}\r\n${lines.join("")}\r\n`;
}

/** A server's side of one WebSocket. */
export class WebSocketConnection {
  onText: (text: string) => void = () => undefined;
  onEnd: () => void = () => undefined;
  readonly #socket: Duplex;
  readonly #heartbeat: NodeJS.Timeout;
  #received: Buffer = Buffer.alloc(0);
  #message: Buffer[] | null = null;
  #closeSent = false;
  #heard = true;

  constructor(socket: Duplex, head: Buffer) {
    this.#socket = socket;
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS);
    socket.on("data", (data: Buffer) => this.#read(data));
    // Half open is of no use to a WebSocket: without a close frame the other side has just gone.
    socket.on("end", () => socket.end());
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearInterval(this.#heartbeat);
      this.onEnd();
    });
    if (head.length > 0) setImmediate(() => this.#read(head));
  }

  send(text: string): void {
    if (this.#closeSent || this.#socket.writableLength > BACKLOG) return;
    this.#write(TEXT, Buffer.from(text));
  }

  /** Asks the other side to close, and cuts it off when it does not answer. */
  close(code: number): void {
    if (this.#closeSent) return;
    this.#sendClose(code);
    setTimeout(() => this.#socket.destroy(), CLOSE_MS).unref();
  }

  #beat(): void {
    if (!this.#heard) return void this.#socket.destroy();
    this.#heard = false;
    this.#write(PING, Buffer.alloc(0));
  }

  #read(data: Buffer): void {
    this.#heard = true;
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    for (;;) {
      const frame = this.#nextFrame();
      if (frame === null) return;
      this.#handle(frame);
    }
  }

  #nextFrame(): Frame | null {
    const parsed = parseFrame(this.#received);
    if (parsed === "incomplete") return null;
    if (typeof parsed === "number") {
      this.#received = Buffer.alloc(0);
      this.#fail(parsed);
      return null;
    }
    this.#received = this.#received.subarray(parsed.size);
    return parsed;
  }

  #handle(frame: Frame): void {
    switch (frame.opcode) {
      case TEXT:
        if (this.#message !== null) return this.#fail(PROTOCOL_ERROR);
        this.#message = [];
        return this.#append(frame);
      case CONTINUATION:
        if (this.#message === null) return this.#fail(PROTOCOL_ERROR);
        return this.#append(frame);
      case PING:
        return this.#write(PONG, frame.payload);
      case PONG:
        return;
      case CLOSE:
        // A close is answered with the same code, then the server hangs up.
        if (!this.#closeSent) this.#sendClose(frame.payload.length >= 2 ? frame.payload.readUInt16BE(0) : 1000);
        this.#socket.end();
        return;
      default:
        return this.#fail(NOT_TEXT);
    }
  }

  #append(frame: Frame): void {
    const message = [...(this.#message ?? []), frame.payload];
    if (message.reduce((size, part) => size + part.length, 0) > LONGEST_MESSAGE) return this.#fail(TOO_BIG);
    this.#message = frame.isLast ? null : message;
    if (!frame.isLast) return;
    let text: string;
    try {
      text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(message));
    } catch {
      return this.#fail(BAD_UTF8);
    }
    this.onText(text);
  }

  #fail(code: number): void {
    if (!this.#closeSent) this.#sendClose(code);
    this.#socket.end();
  }

  #sendClose(code: number): void {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code);
    this.#write(CLOSE, payload);
    this.#closeSent = true;
  }

  #write(opcode: number, payload: Buffer): void {
    if (this.#closeSent || !this.#socket.writable) return;
    const size = payload.length;
    const head =
      size < 126 ? Buffer.from([0x80 | opcode, size]) : Buffer.from([0x80 | opcode, 126, size >> 8, size & 0xff]);
    this.#socket.write(Buffer.concat([head, payload]));
  }
}

interface Frame {
  readonly opcode: number;
  readonly isLast: boolean;
  readonly payload: Buffer;
  /** Bytes of the whole frame. */
  readonly size: number;
}

/** The first frame in `bytes`; a number is the close code for what breaks the protocol. */
function parseFrame(bytes: Buffer): Frame | "incomplete" | number {
  if (bytes.length < 2) return "incomplete";
  const [first = 0, second = 0] = bytes;
  const opcode = first & 0x0f;
  const isLast = (first & 0x80) !== 0;
  const isControl = opcode >= CLOSE;
  // No extension was agreed on, so the reserved bits are 0; what a client sends is masked.
  if ((first & 0x70) !== 0 || (second & 0x80) === 0) return PROTOCOL_ERROR;
  const short = second & 0x7f;
  if (isControl && (short > 125 || !isLast)) return PROTOCOL_ERROR;
  // Eight bytes of length are for messages far beyond what is taken here.
  if (short === 127) return TOO_BIG;
  const headSize = short === 126 ? 4 : 2;
  if (bytes.length < headSize + 4) return "incomplete";
  const length = short === 126 ? bytes.readUInt16BE(2) : short;
  const size = headSize + 4 + length;
  if (bytes.length < size) return "incomplete";
  const mask = bytes.subarray(headSize, headSize + 4);
  const payload = Buffer.from(bytes.subarray(headSize + 4, size));
  for (let at = 0; at < payload.length; at += 1) payload[at] = (payload[at] ?? 0) ^ (mask[at % 4] ?? 0);
  return { opcode, isLast, payload, size };
}
