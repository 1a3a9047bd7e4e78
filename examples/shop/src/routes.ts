import type { IncomingHttpHeaders } from "node:http";
import { priceCart, readLines } from "./cart.ts";
import { findProduct, type Product, PRODUCTS } from "./catalogue.ts";
import { dependencies, live, ready } from "./health.ts";
import { homePage } from "./home.ts";
import type { Shop } from "./listener.ts";
import { findOrder, placeOrder, saveCart } from "./orders.ts";
import { ShopError } from "./shop-error.ts";

export interface Question {
  readonly url: URL;
  /** What stood in the place of `:id`. */
  readonly id: string;
  /** Parsed JSON; null without a body. */
  readonly body: unknown;
  readonly headers: IncomingHttpHeaders;
}

export interface Answer {
  readonly status: number;
  /** Text is sent as HTML, anything else as JSON. */
  readonly body: unknown;
}

type Handler = (shop: Shop, question: Question) => Answer | Promise<Answer>;

const ROUTES: Readonly<Record<string, Handler | "events">> = {
  "GET /": (shop) => ok(homePage(shop)),
  "GET /products": listProducts,
  "GET /products/:id": showProduct,
  "POST /cart": fillCart,
  "POST /checkout": checkOut,
  "GET /orders/:id": showOrder,
  "GET /events": "events",
  "GET /health/live": live,
  "GET /health/ready": ready,
  "GET /health/deps": dependencies,
};

export function findRoute(method: string, path: string): { readonly handler: Handler | "events"; readonly id: string } {
  const verb = method === "HEAD" ? "GET" : method;
  const exact = ROUTES[`${verb} ${path}`];
  if (exact !== undefined) return { handler: exact, id: "" };
  const [, collection = "", id = "", ...rest] = path.split("/");
  const byId = rest.length === 0 && id !== "" ? ROUTES[`${verb} /${collection}/:id`] : undefined;
  if (byId === undefined) throw new ShopError(404, `There is nothing at ${path}.`);
  return { handler: byId, id };
}

function listProducts(shop: Shop): Answer {
  return ok({ products: PRODUCTS.map((product) => withStock(shop, product)) });
}

function showProduct(shop: Shop, { id }: Question): Answer {
  const product = findProduct(id);
  if (product === undefined) throw new ShopError(404, `We don't sell "${id}".`);
  return ok(withStock(shop, product));
}

async function fillCart(shop: Shop, { body }: Question): Promise<Answer> {
  const cart = priceCart(readLines(body));
  return { status: 201, body: { cart: await saveCart(shop.store, cart), ...cart } };
}

async function checkOut(shop: Shop, { body, headers }: Question): Promise<Answer> {
  const key = headers["idempotency-key"];
  if (typeof key !== "string" || !/^[\w-]{8,64}$/.test(key))
    throw new ShopError(400, "A checkout needs an idempotency-key of 8 to 64 letters, digits and dashes.");
  const cart = (body as { cart?: unknown } | null)?.cart;
  if (typeof cart !== "string") throw new ShopError(400, "A checkout needs a cart.");
  const { order, isNew } = await placeOrder(shop.store, key, cart, shop.options.version);
  return { status: isNew ? 201 : 200, body: order };
}

async function showOrder(shop: Shop, { id }: Question): Promise<Answer> {
  const order = await findOrder(shop.store, id);
  if (order === undefined) throw new ShopError(404, `There is no order ${id}.`);
  return ok(order);
}

function withStock(shop: Shop, product: Product): Product & { readonly stock: number } {
  return { ...product, stock: shop.live.stockOf(product.id) };
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}
