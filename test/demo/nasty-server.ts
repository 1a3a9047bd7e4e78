import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { acceptWebSocket } from "../../examples/shop/src/websocket.ts";
import type { Verdict } from "../../src/demo/customers/outcome.ts";

/** One thing that a bad server does, and what a client should call it. */
interface Deed<Do> {
  readonly verdict: Verdict;
  readonly do: Do;
}

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

/** What the shop's own answers carry. */
function marks(request: IncomingMessage): Record<string, string> {
  return {
    "x-shop-version": "v9",
    "x-shop-begun": String(Date.now()),
    "x-load-number": String(request.headers["x-load-number"]),
  };
}

function good(request: IncomingMessage): string {
  return JSON.stringify({ cart: "a-cart", id: request.headers["idempotency-key"], total: 100 });
}

function answer(status: number, headers: (request: IncomingMessage) => Record<string, string>): Answering {
  return (request, response) => {
    const body = good(request);
    response.writeHead(status, {
      "content-type": "application/json",
      "content-length": body.length,
      ...headers(request),
    });
    response.end(body);
  };
}

/** In turn, by the request's number. */
export const DEEDS: readonly Deed<Answering>[] = [
  { verdict: "ok", do: answer(200, marks) },
  { verdict: "app-error", do: answer(500, (request) => ({ ...marks(request), "x-shop-error": "1" })) },
  { verdict: "app-error", do: answer(404, (request) => ({ ...marks(request), "x-shop-error": "1" })) },
  { verdict: "unmarked", do: answer(502, () => ({})) },
  { verdict: "unmarked", do: answer(500, marks) },
  { verdict: "unmarked", do: answer(431, () => ({})) },
  { verdict: "foreign", do: answer(200, () => ({})) },
  { verdict: "misdelivered", do: answer(200, (request) => ({ ...marks(request), "x-load-number": "0" })) },
  { verdict: "reset", do: (request) => void request.socket.resetAndDestroy() },
  { verdict: "reset", do: (request) => void request.socket.end() },
  {
    verdict: "truncated",
    do: (request, response) => {
      response.writeHead(200, { "content-length": 1_000, ...marks(request) });
      response.write("only this", () => request.socket.end());
    },
  },
  {
    verdict: "truncated",
    do: (request, response) => {
      response.writeHead(200, marks(request));
      response.write("a chunk, and no last one", () => request.socket.end());
    },
  },
  { verdict: "garbled", do: (request) => void request.socket.end("what is HTTP?\r\n\r\n") },
  {
    verdict: "garbled",
    do: (request, response) => {
      response.writeHead(200, { "content-type": "application/json", ...marks(request) });
      response.end('{ "total": ');
    },
  },
  { verdict: "timeout", do: () => undefined },
  {
    verdict: "timeout",
    do: (request, response) => {
      response.writeHead(200, { "content-length": 1_000, ...marks(request) });
      response.write("to be continued");
    },
  },
];

type Upgrading = (request: IncomingMessage, socket: Duplex) => void;

const NO_HEAD = Buffer.alloc(0);

/** What happens to WebSockets, one after another; those that come later are treated well. */
export const UPGRADES: readonly Deed<Upgrading>[] = [
  { verdict: "unmarked", do: (_, socket) => socket.end("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n") },
  {
    verdict: "app-error",
    do: (_, socket) => socket.end("HTTP/1.1 503 No\r\nx-shop-error: 1\r\ncontent-length: 0\r\n\r\n"),
  },
  {
    verdict: "websocket",
    do: (_, socket) => socket.end("HTTP/1.1 200 OK\r\nx-shop-version: v9\r\ncontent-length: 0\r\n\r\n"),
  },
  { verdict: "reset", do: (_, socket) => socket.destroy() },
  { verdict: "websocket", do: (request, socket) => open(request, socket, () => (socket as Socket).resetAndDestroy()) },
  { verdict: "websocket", do: (request, socket) => open(request, socket, () => socket.end()) },
  { verdict: "websocket", do: (request, socket) => open(request, socket, (own) => own.close(1011)) },
  { verdict: "ok", do: (request, socket) => open(request, socket, (own) => own.close(1001)) },
  { verdict: "timeout", do: (request, socket) => open(request, socket, () => undefined) },
  {
    verdict: "misdelivered",
    do: (request, socket) => open(request, socket, (own) => own.send('{"type":"echo","text":"?"}')),
  },
];

/** What happens to event streams, one after another; those that come later are treated well. */
export const STREAMS: readonly Deed<Answering>[] = [
  { verdict: "unmarked", do: answer(502, () => ({})) },
  { verdict: "truncated", do: (request, response) => streaming(request, response, () => request.socket.end()) },
  { verdict: "ok", do: (request, response) => streaming(request, response, () => response.end()) },
  { verdict: "timeout", do: (request, response) => streaming(request, response, () => undefined) },
];

function open(
  request: IncomingMessage,
  socket: Duplex,
  then: (own: NonNullable<ReturnType<typeof acceptWebSocket>>) => void,
) {
  const own = acceptWebSocket(request, socket, NO_HEAD, marks(request));
  if (own !== null) setTimeout(() => then(own), 20);
}

function streaming(request: IncomingMessage, response: ServerResponse, then: () => void): void {
  response.writeHead(200, { "content-type": "text/event-stream", ...marks(request) });
  response.write("data: {}\n\n");
  setTimeout(then, 20);
}

/** Does every bad thing in turn, and keeps count of what it did. */
export class NastyServer implements AsyncDisposable {
  readonly did: Partial<Record<Verdict, number>> = {};
  wellTreated = 0;
  url = "";
  readonly #server: Server;
  readonly #sockets = new Set<Duplex>();
  readonly #timers = new Set<NodeJS.Timeout>();

  private constructor() {
    let streams = 0;
    this.#server = createServer((request, response) => {
      response.on("error", () => undefined);
      const number = Number(request.headers["x-load-number"]);
      const deed = request.url === "/events" ? STREAMS[streams++] : DEEDS[number % DEEDS.length];
      this.#note(deed?.verdict ?? "ok");
      if (deed !== undefined) return deed.do(request, response);
      streaming(request, response, () => undefined);
      this.#everySecond(() => response.write("data: {}\n\n"));
      this.wellTreated += 1;
    });
    let upgrades = 0;
    this.#server.on("upgrade", (request, socket) => {
      socket.on("error", () => undefined);
      const deed = UPGRADES[upgrades++];
      this.#note(deed?.verdict ?? "ok");
      if (deed !== undefined) return deed.do(request, socket);
      open(request, socket, (own) => {
        own.onText = (text) => own.send(JSON.stringify({ type: "echo", text }));
        this.#everySecond(() => own.send('{"type":"tick"}'));
        this.wellTreated += 1;
      });
    });
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
  }

  static async listen(): Promise<NastyServer> {
    const nasty = new NastyServer();
    nasty.#server.listen(0, "127.0.0.1");
    await once(nasty.#server, "listening");
    nasty.url = `http://127.0.0.1:${(nasty.#server.address() as AddressInfo).port}`;
    return nasty;
  }

  #note(verdict: Verdict): void {
    this.did[verdict] = (this.did[verdict] ?? 0) + 1;
  }

  #everySecond(work: () => void): void {
    this.#timers.add(setInterval(work, 1_000));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}
