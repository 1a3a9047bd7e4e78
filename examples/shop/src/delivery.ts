import type { CartLine } from "./cart.ts";

const FLAT_RATE = 490;

/** What bringing a cart costs, in cents. */
export function deliveryCost(_lines: readonly CartLine[]): number {
  return FLAT_RATE;
}
