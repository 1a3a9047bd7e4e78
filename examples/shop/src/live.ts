import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { PRODUCTS } from "./catalogue.ts";
import { readSold } from "./orders.ts";
import type { Store } from "./store.ts";
import { acceptWebSocket, GOING_AWAY, refuse, type WebSocketConnection } from "./websocket.ts";

/** What the warehouse orders when a shelf is empty. */
const SHELF = 1_000;

/** The shop as it is now: stock for the pages, and a tick a second to all who listen at `/live` and `/events`. */
export class Live {
  readonly #store: Store;
  readonly #version: string;
  readonly #sockets = new Set<WebSocketConnection>();
  readonly #streams = new Set<ServerResponse>();
  readonly #timer: NodeJS.Timeout;
  #sold: ReadonlyMap<string, number> = new Map();
  #count = 0;
  #closed = false;

  constructor(store: Store, version: string) {
    this.#store = store;
    this.#version = version;
    this.#timer = setInterval(() => void this.#tick(), 1_000);
    void this.#tick();
  }

  stockOf(product: string): number {
    return SHELF - ((this.#sold.get(product) ?? 0) % SHELF);
  }

  /** Answers `/live`: sends ticks, and back to everybody what they say. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const headers = { "x-shop-version": this.#version, "x-shop-begun": String(Date.now()), ...echoOf(request) };
    if (request.url?.split("?")[0] !== "/live") return refuse(socket, 404, headers);
    if (this.#closed) return refuse(socket, 503, headers);
    const connection = acceptWebSocket(request, socket, head, headers);
    if (connection === null) return;
    this.#sockets.add(connection);
    connection.onEnd = () => this.#sockets.delete(connection);
    connection.onText = (text) => connection.send(JSON.stringify({ type: "echo", text }));
    connection.send(this.#tickText());
  }

  /** Answers `/events` with the same ticks as server-sent events. */
  stream(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(`retry: 500\n\ndata: ${this.#tickText()}\n\n`);
    if (this.#closed) return void response.end();
    this.#streams.add(response);
    response.on("close", () => this.#streams.delete(response));
  }

  /** Asks all listeners to come back, to another instance by then. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const socket of this.#sockets) socket.close(GOING_AWAY);
    for (const stream of this.#streams) stream.end();
  }

  async #tick(): Promise<void> {
    try {
      this.#sold = await readSold(this.#store);
    } catch (error) {
      console.error("the stock could not be read:", error);
    }
    if (this.#closed) return;
    const text = this.#tickText();
    this.#count += 1;
    for (const socket of this.#sockets) socket.send(text);
    for (const stream of this.#streams) stream.write(`data: ${text}\n\n`);
  }

  #tickText(): string {
    const product = PRODUCTS[this.#count % PRODUCTS.length];
    if (product === undefined) throw new Error("The catalogue is empty.");
    const { id, price } = product;
    return JSON.stringify({ type: "tick", version: this.#version, product: id, price, stock: this.stockOf(id) });
  }
}

/** A caller that numbers its requests gets the number back, and so knows that the answer is its own. */
export function echoOf(request: IncomingMessage): Record<string, string> {
  const number = request.headers["x-load-number"];
  return typeof number === "string" ? { "x-load-number": number } : {};
}
