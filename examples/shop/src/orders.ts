import { randomUUID } from "node:crypto";
import { type CartLine, type PricedCart, priceCart } from "./cart.ts";
import { ShopError } from "./shop-error.ts";
import type { Store } from "./store.ts";

export interface Order {
  readonly id: string;
  readonly lines: readonly CartLine[];
  readonly total: number;
  readonly state: "accepted" | "fulfilled";
  readonly acceptedBy: string;
  readonly acceptedAt: number;
}

interface OrderRow {
  readonly id: string;
  readonly lines: string;
  readonly total: number;
  readonly accepted_by: string;
  readonly accepted_at: number;
  readonly fulfilled_at: number | null;
}

export async function saveCart(store: Store, cart: PricedCart): Promise<string> {
  const id = randomUUID();
  await store.jot((sql) => {
    sql("INSERT INTO carts (id, lines, total, created_at) VALUES (?, ?, ?, ?)").run(
      id,
      JSON.stringify(cart.lines),
      cart.total,
      Date.now(),
    );
  });
  return id;
}

/**
 * Turns a cart into an order whose id is the customer's idempotency key: however often and through whichever version
 * the same key comes, it is one order. On disk when the promise resolves.
 */
export function placeOrder(
  store: Store,
  key: string,
  cart: string,
  version: string,
): Promise<{ readonly order: Order; readonly isNew: boolean }> {
  return store.write((sql) => {
    const before = sql("SELECT * FROM orders WHERE id = ?").get(key) as OrderRow | undefined;
    if (before !== undefined) return { order: orderOf(before), isNew: false };
    const saved = sql("SELECT lines FROM carts WHERE id = ?").get(cart) as { lines: string } | undefined;
    if (saved === undefined) throw new ShopError(404, "There is no such cart, or it was ordered already.");
    const lines = JSON.parse(saved.lines) as readonly CartLine[];
    const order: Order = {
      id: key,
      lines,
      total: priceCart(lines).total,
      state: "accepted",
      acceptedBy: version,
      acceptedAt: Date.now(),
    };
    sql("INSERT INTO orders (id, lines, total, accepted_by, accepted_at) VALUES (?, ?, ?, ?, ?)").run(
      order.id,
      saved.lines,
      order.total,
      order.acceptedBy,
      order.acceptedAt,
    );
    for (const line of lines)
      sql(
        "INSERT INTO sold (product, quantity) VALUES (?, ?) ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity",
      ).run(line.product, line.quantity);
    sql("DELETE FROM carts WHERE id = ?").run(cart);
    return { order, isNew: true };
  });
}

export async function findOrder(store: Store, id: string): Promise<Order | undefined> {
  const row = await store.read((sql) => sql("SELECT * FROM orders WHERE id = ?").get(id) as OrderRow | undefined);
  return row === undefined ? undefined : orderOf(row);
}

/** Packs the oldest orders that wait, each by exactly one worker; answers their ids. */
export function fulfilNext(store: Store, version: string, atMost: number): Promise<readonly string[]> {
  return store.write((sql) => {
    const rows = sql(
      `UPDATE orders SET fulfilled_by = ?, fulfilled_at = ? WHERE id IN
         (SELECT id FROM orders WHERE fulfilled_at IS NULL ORDER BY accepted_at LIMIT ?) RETURNING id`,
    ).all(version, Date.now(), atMost) as unknown as readonly { id: string }[];
    return rows.map((row) => row.id);
  });
}

export function countWaiting(store: Store): Promise<number> {
  return store.read((sql) => {
    const row = sql("SELECT count(*) AS waiting FROM orders WHERE fulfilled_at IS NULL").get();
    return (row as { waiting: number }).waiting;
  });
}

/** How many of each product were ever sold. */
export function readSold(store: Store): Promise<ReadonlyMap<string, number>> {
  return store.read((sql) => {
    const rows = sql("SELECT product, quantity FROM sold").all() as unknown as { product: string; quantity: number }[];
    return new Map(rows.map((row) => [row.product, row.quantity]));
  });
}

function orderOf(row: OrderRow): Order {
  return {
    id: row.id,
    lines: JSON.parse(row.lines) as readonly CartLine[],
    total: row.total,
    state: row.fulfilled_at === null ? "accepted" : "fulfilled",
    acceptedBy: row.accepted_by,
    acceptedAt: row.accepted_at,
  };
}
