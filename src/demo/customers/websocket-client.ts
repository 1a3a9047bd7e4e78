import { randomBytes } from "node:crypto";
import { request } from "node:http";
import type { Duplex } from "node:stream";
import { type Order, PATIENCE_MS } from "./exchange.ts";
import { judgeAnswer, judgeError, originOf } from "./judge-answer.ts";
import { NUMBER_HEADER, type Outcome } from "./outcome.ts";

/** How a WebSocket ended: the code of the close that came, or null when none came. */
export type WebSocketEnd = number | null;

/** A client's side of one WebSocket that tells a polite end from a cut. Source: RFC 6455. */
export class WebSocketClient {
  readonly ended: Promise<WebSocketEnd>;
  onText: (text: string) => void = () => undefined;
  readonly #socket: Duplex;
  #received: Buffer;
  #code: WebSocketEnd = null;
  #closeSent = false;

  constructor(socket: Duplex, head: Buffer) {
    this.#socket = socket;
    this.#received = head;
    this.ended = new Promise((resolve) => socket.once("close", () => resolve(this.#code)));
    socket.on("data", (data: Buffer) => {
      this.#received = Buffer.concat([this.#received, data]);
      this.#readFrames();
    });
    socket.on("end", () => socket.end());
    socket.on("error", () => undefined);
    setImmediate(() => this.#readFrames());
  }

  send(text: string): void {
    this.#write(0x1, Buffer.from(text));
  }

  /** Says goodbye; a server that does not answer is left all the same. */
  close(): void {
    this.#sendClose(1000);
    this.#socket.end();
    setTimeout(() => this.#socket.destroy(), 1_000).unref();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #readFrames(): void {
    for (let frame = parseFrame(this.#received); frame !== null; frame = parseFrame(this.#received)) {
      this.#received = this.#received.subarray(frame.size);
      if (frame.opcode === 0x1) this.onText(frame.payload.toString("utf8"));
      else if (frame.opcode === 0x9) this.#write(0xa, frame.payload);
      else if (frame.opcode === 0x8) {
        this.#code = frame.payload.length >= 2 ? frame.payload.readUInt16BE(0) : 1005;
        this.#sendClose(this.#code);
        this.#socket.end();
      }
    }
  }

  #sendClose(code: number): void {
    const payload = Buffer.alloc(2);
    payload.writeUInt16BE(code === 1005 ? 1000 : code);
    this.#write(0x8, payload);
    this.#closeSent = true;
  }

  /** Messages of up to 125 bytes: what this client says is short. */
  #write(opcode: number, payload: Buffer): void {
    if (this.#closeSent || !this.#socket.writable) return;
    const mask = randomBytes(4);
    const masked = payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
    this.#socket.write(Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), mask, masked]));
  }
}

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  readonly size: number;
}

/** Frames of a server: not masked. null: not whole yet. */
function parseFrame(bytes: Buffer): Frame | null {
  if (bytes.length < 2) return null;
  const [first = 0, second = 0] = bytes;
  const short = second & 0x7f;
  const headSize = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < headSize) return null;
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  const size = headSize + length;
  if (bytes.length < size) return null;
  return { opcode: first & 0x0f, payload: bytes.subarray(headSize, size), size };
}

/** Opens a WebSocket. Never rejects; `client` is there when the outcome is "ok". */
export function openWebSocket(
  order: Pick<Order, "number" | "visitor" | "url" | "path" | "what" | "headers" | "onHead">,
): Promise<{ readonly outcome: Outcome; readonly client?: WebSocketClient }> {
  return new Promise((resolve) => {
    const sentAt = Date.now();
    const began = performance.now();
    const outgoing = request({
      host: order.url.hostname,
      port: order.url.port,
      path: order.path,
      agent: false,
      headers: {
        host: order.url.host,
        ...order.headers,
        [NUMBER_HEADER]: order.number,
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": randomBytes(16).toString("base64"),
      },
    });
    const settle = (ending: Partial<Outcome> & Pick<Outcome, "verdict">, client?: WebSocketClient): void => {
      clearTimeout(timer);
      const { number, visitor, what } = order;
      const outcome: Outcome = { number, visitor, what, sentAt, tookMs: performance.now() - began, ...ending };
      resolve(client === undefined ? { outcome } : { outcome, client });
    };
    const timer = setTimeout(() => {
      settle({ verdict: "timeout", detail: `not open within ${PATIENCE_MS} ms` });
      outgoing.destroy();
    }, PATIENCE_MS);
    outgoing.once("error", (error) => settle({ verdict: judgeError(error), detail: error.message }));
    outgoing.once("response", (answer) => {
      const status = answer.statusCode ?? 0;
      const verdict = judgeAnswer(order.number, status, answer.headers);
      // Any answer but 101 is none to somebody who wants a WebSocket.
      const ending = verdict === "ok" ? "websocket" : verdict;
      settle({ verdict: ending, status, detail: `${status} instead of 101`, ...originOf(answer.headers) });
      answer.resume();
    });
    outgoing.once("upgrade", (answer, socket, head) => {
      order.onHead?.(answer.headers);
      const verdict = judgeAnswer(order.number, 101, answer.headers);
      const ending = { verdict, status: 101, ...originOf(answer.headers) };
      if (verdict === "ok") return settle(ending, new WebSocketClient(socket, head));
      socket.destroy();
      settle(ending);
    });
    outgoing.end();
  });
}
