import type { InstanceSeen } from "../observation.ts";
import type { RoutingTable } from "../traffic/routing.ts";
import type { Placed } from "./event.ts";

type Place = Pick<Placed, "version" | "slot">;

/** The places of which a release of the journal says what becomes of them: one of the two is its. */
export function isOfRelease(
  { version, slot }: InstanceSeen,
  { stable, candidate }: { readonly stable: Place | null; readonly candidate: Place },
): boolean {
  return [stable, candidate].some((placed) => placed?.version === version && placed.slot === slot);
}

/**
 * Whether the data plane has it: the version that serves, its workers too, and a candidate and stable's twin as long as somebody
 * is sent to them. Without a table nobody can say, so everything is in use.
 */
export function isInUse({ version, slot }: InstanceSeen, table: RoutingTable | null): boolean {
  if (table === null) return true;
  const { stable, candidate, twin, share } = table;
  const used = share > 0 ? [stable, candidate, twin] : [stable];
  return used.some((backend) => backend?.version === version && backend.slot === slot);
}
