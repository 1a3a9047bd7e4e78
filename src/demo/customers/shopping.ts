import { between, pick, type Random } from "./random.ts";
import type { Visitor } from "./visitors.ts";

/** What a visitor does next. */
export interface Act {
  readonly kind: "look" | "cart" | "checkout";
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly what: string;
  readonly body?: string;
  /** Checkouts only: the idempotency key, which becomes the order's id. */
  readonly key?: string;
}

const LIGHT = [
  "trowel", "fork", "rake", "hoe", "secateurs", "loppers", "gloves", "hose", "can", "pot-small", "pot-large",
  "seed-tray", "twine", "labels", "tomato", "basil", "lavender", "sunflower", "chives", "bulbs", "fertiliser",
] as const; // prettier-ignore

/** Part of the carts with several bags of soil: more than one parcel may weigh. */
const HEAVY_CARTS = 0.13;

/** A shop's usual day, with more buying than most have: browsing, filling carts, ordering, looking after an order. */
export function nextAct(visitor: Visitor, newKey: () => string, random: Random): Act {
  const draw = random();
  if (draw < 0.08) return look("/", "/");
  if (draw < 0.3) return look("/products", "/products");
  if (draw < 0.64) return look(`/products/${pick(random, LIGHT)}`, "/products/:id");
  if (draw < 0.69 && visitor.lastOrder !== undefined) return look(`/orders/${visitor.lastOrder}`, "/orders/:id");
  if (draw < 0.83 && visitor.cart !== undefined) return checkOut(visitor, visitor.cart, newKey());
  return {
    kind: "cart",
    method: "POST",
    path: "/cart",
    what: "POST /cart",
    body: JSON.stringify({ lines: fillCart(random) }),
  };
}

function look(path: string, route: string): Act {
  return { kind: "look", method: "GET", path, what: `GET ${route}` };
}

/** A cart is ordered once: whoever begins a checkout has no cart any more. */
function checkOut(visitor: Visitor, cart: string, key: string): Act {
  visitor.cart = undefined;
  const body = JSON.stringify({ cart });
  return { kind: "checkout", method: "POST", path: "/checkout", what: "POST /checkout", body, key };
}

function fillCart(random: Random): readonly { readonly product: string; readonly quantity: number }[] {
  const lines = Array.from({ length: between(random, 1, 3) }, () => ({
    product: pick<string>(random, LIGHT),
    quantity: between(random, 1, 2),
  }));
  if (random() < HEAVY_CARTS) lines.push({ product: "soil", quantity: between(random, 2, 5) });
  return lines;
}
