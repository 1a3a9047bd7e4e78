import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { FaultError } from "../core/fault.ts";

/** Ids of accepted orders, by what became of them in the store. */
export interface OrderCheck {
  readonly accepted: number;
  readonly found: number;
  readonly lost: readonly string[];
  /** There more than once. */
  readonly doubled: readonly string[];
  /** There, but not with the total that the customer was told. */
  readonly different: readonly string[];
}

/**
 * Looks up every accepted order (id → total in cents) in the shop's database file. Reads only; safe while the shop
 * runs. Faults: store-missing.
 */
export function verifyOrders(store: string, accepted: ReadonlyMap<string, number>): OrderCheck {
  if (!existsSync(store))
    throw new FaultError({ code: "store-missing", what: "The shop's store is not there.", where: store });
  const database = new DatabaseSync(store, { readOnly: true, timeout: 2_000 });
  try {
    const query = database.prepare("SELECT total FROM orders WHERE id = ?");
    const check = { lost: [] as string[], doubled: [] as string[], different: [] as string[] };
    for (const [id, total] of accepted) {
      const rows = query.all(id) as unknown as readonly { readonly total: number }[];
      if (rows.length === 0) check.lost.push(id);
      else if (rows.length > 1) check.doubled.push(id);
      else if (rows[0]?.total !== total) check.different.push(id);
    }
    const wrong = check.lost.length + check.doubled.length + check.different.length;
    return { accepted: accepted.size, found: accepted.size - wrong, ...check };
  } finally {
    database.close();
  }
}
