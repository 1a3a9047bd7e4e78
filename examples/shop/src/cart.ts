import { findProduct } from "./catalogue.ts";
import { deliveryCost } from "./delivery.ts";
import { ShopError } from "./shop-error.ts";

export interface CartLine {
  readonly product: string;
  readonly quantity: number;
}

export interface PricedCart {
  readonly lines: readonly CartLine[];
  readonly goods: number;
  readonly delivery: number;
  readonly total: number;
}

/** What a customer sent, checked. */
export function readLines(value: unknown): readonly CartLine[] {
  const lines = (value as { lines?: unknown } | null)?.lines;
  if (!Array.isArray(lines) || lines.length === 0) throw new ShopError(400, "A cart needs at least one line.");
  if (lines.length > 50) throw new ShopError(400, "A cart holds 50 lines at most.");
  return lines.map((line: Partial<CartLine> | null) => {
    const product = String(line?.product);
    const quantity = Number(line?.quantity);
    if (findProduct(product) === undefined) throw new ShopError(400, `We don't sell "${product}".`);
    if (!Number.isInteger(quantity) || quantity < 1 || quantity > 99)
      throw new ShopError(400, "A quantity is a number from 1 to 99.");
    return { product, quantity };
  });
}

export function priceCart(lines: readonly CartLine[]): PricedCart {
  const goods = lines.reduce((sum, line) => sum + line.quantity * (findProduct(line.product)?.price ?? 0), 0);
  const delivery = deliveryCost(lines);
  return { lines, goods, delivery, total: goods + delivery };
}
