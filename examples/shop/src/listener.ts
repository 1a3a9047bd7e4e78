import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { FaultSwitch } from "./faults.ts";
import { echoOf, type Live } from "./live.ts";
import type { Options } from "./options.ts";
import { type Answer, findRoute } from "./routes.ts";
import { ShopError } from "./shop-error.ts";
import type { StopState } from "./stop.ts";
import type { Store } from "./store.ts";

export interface Shop {
  readonly options: Options;
  readonly store: Store;
  readonly faults: FaultSwitch;
  readonly live: Live;
  readonly stop: StopState;
}

const BODY_LIMIT = 64 * 1024;

/** Answers every request; whatever is thrown becomes an answer that says that the error is the shop's own. */
export function listener(shop: Shop): RequestListener {
  return (request, response) => {
    shop.stop.inFlight += 1;
    response.once("close", () => (shop.stop.inFlight -= 1));
    const marks = { "x-shop-version": shop.options.version, "x-shop-begun": String(Date.now()), ...echoOf(request) };
    for (const [name, value] of Object.entries(marks)) response.setHeader(name, value);
    respond(shop, request, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else send(shop, response, answerTo(error, request));
    });
  };
}

async function respond(shop: Shop, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? "/", "http://shop");
  // A body is read before anything is answered, or the connection could not be used again.
  const body = await readBody(request);
  const { handler, id } = findRoute(request.method ?? "GET", url.pathname);
  // Health is what the machine sees. What is broken on purpose must be found by watching the customers.
  if (!url.pathname.startsWith("/health/")) await shop.faults.apply();
  if (handler === "events") return shop.live.stream(response);
  send(shop, response, await handler(shop, { url, id, body, headers: request.headers }));
}

function send(shop: Shop, response: ServerResponse, answer: Answer): void {
  const isText = typeof answer.body === "string";
  const body = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
  if (answer.status >= 400) response.setHeader("x-shop-error", "1");
  if (shop.stop.asked) response.setHeader("connection", "close");
  response.writeHead(answer.status, {
    "content-type": isText ? "text/html; charset=utf-8" : "application/json",
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
  });
  response.end(response.req.method === "HEAD" ? undefined : body);
}

function answerTo(error: unknown, request: IncomingMessage): Answer {
  if (error instanceof ShopError) return { status: error.status, body: { error: error.message } };
  console.error(`${request.method} ${request.url} failed:`, error);
  return { status: 500, body: { error: "Something went wrong on our side." } };
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw new ShopError(413, "That is more than a cart can be.");
    chunks.push(chunk);
  }
  if (size === 0) return null;
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch {
    throw new ShopError(400, "The request's body is not JSON.");
  }
}
