import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { areStoresThere } from "./health.ts";
import { openPostgres } from "./postgres.ts";
import { priceOf, PRODUCTS } from "./products.ts";
import { openRedis } from "./redis.ts";

const VERSION = process.env["TIDEGATE_VERSION"] ?? "dev";
const KEY = readFileSync("/run/secrets/receipt_key", "utf8").trim();

const postgres = openPostgres();
const redis = openRedis();
await postgres.query(
  "create table if not exists orders (id text primary key, product text not null, quantity int not null, cents int not null, packed_by text)",
);

const server = createServer((request, response) => {
  response.setHeader("x-shop-version", VERSION);
  answer(request, response).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    // A client can tell a mistake of the shop's from one of somebody in between.
    if (!response.headersSent) response.setHeader("x-shop-error", "1");
    send(response, 500, { error: "the shop made a mistake" });
  });
});
server.listen(3000, () => process.stdout.write(`version ${VERSION} listens on 3000\n`));

process.once("SIGTERM", () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method = "GET", url = "/" } = request;
  const order = /^\/orders\/([\w-]{1,64})$/.exec(url)?.[1];
  if (method === "GET" && url === "/") return send(response, 200, { shop: "The Potting Shed", version: VERSION });
  if (method === "GET" && url === "/products") return send(response, 200, PRODUCTS);
  if (method === "POST" && url === "/orders") return placeOrder(request, response);
  if (method === "GET" && order !== undefined) return showOrder(order, response);
  if (url === "/health/live") return send(response, 200, { alive: true });
  if (url === "/health/ready") {
    const isReady = await areStoresThere(postgres, redis);
    return send(response, isReady ? 200 : 503, { ready: isReady });
  }
  send(response, 404, { error: "nothing is here" });
}

/** The same key twice is one order. */
async function placeOrder(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const id = request.headers["idempotency-key"];
  const { product, quantity } = JSON.parse(await bodyOf(request)) as { product: string; quantity: number };
  if (typeof id !== "string" || !/^[\w-]{1,64}$/.test(id) || !Number.isInteger(quantity) || quantity < 1)
    return send(response, 400, { error: "an order needs an idempotency-key, a product and a quantity" });
  const cents = priceOf(product, quantity);
  const values = [id, product, String(quantity), String(cents)];
  const added = await postgres.query(
    "insert into orders (id, product, quantity, cents) values ($1, $2, $3::int, $4::int) on conflict do nothing returning id",
    values,
  );
  if (added.length > 0) await redis.call("LPUSH", "to-pack", id);
  const receipt = createHmac("sha256", KEY).update(`${id} ${cents}`).digest("hex");
  send(response, 201, { id, cents, receipt });
}

async function showOrder(id: string, response: ServerResponse): Promise<void> {
  const [row] = await postgres.query("select product, quantity, cents, packed_by from orders where id = $1", [id]);
  if (row === undefined) return send(response, 404, { error: "no such order" });
  const [product, quantity, cents, packedBy] = row;
  send(response, 200, { id, product, quantity: Number(quantity), cents: Number(cents), packedBy });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString("utf8");
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}
