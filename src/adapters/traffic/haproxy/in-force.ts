import type { Instant } from "../../../core/time/time.ts";
import type { RoutingTable } from "../../../core/traffic/routing.ts";
import { isAsWritten, type MapEntries, saidBy } from "./map-entries.ts";

/** What divides the requests now, and by whom it was written. */
export interface InForce {
  /** After an ended lease the table that follows from it. */
  readonly table: RoutingTable | null;
  readonly epoch: number;
  readonly leaseEndsAt: Instant | null;
  readonly returnedAt: Instant | null;
}

/** What divides the requests at this moment, with what an ended lease and a foreign hand have made of it. */
export function inForce(entries: MapEntries, now: Instant): InForce {
  const { table, share, epoch, leaseEndsAt } = saidBy(entries);
  if (table === null) return { table, epoch, leaseEndsAt: null, returnedAt: null };
  if (leaseEndsAt !== null && now >= leaseEndsAt) {
    const returned = { ...table, revision: table.revision + 1, share: 0, lease: null };
    return { table: returned, epoch, leaseEndsAt: null, returnedAt: leaseEndsAt };
  }
  const isOurs = isAsWritten(entries, table);
  return { table: isOurs ? table : { ...table, share }, epoch, leaseEndsAt, returnedAt: null };
}
