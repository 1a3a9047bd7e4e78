import type { Seen } from "../core/decide/seen.ts";
import type { World } from "./world.ts";

/** What `decide` is to know of instances and data plane, as they were when last looked at. */
export function seenOf(world: World): Pick<Seen, "instances" | "health" | "traffic" | "away"> {
  const away = world.traffic()?.away?.map(({ what }) => what);
  return {
    instances: world.instances(),
    health: world.health(),
    traffic: trafficSeen(world),
    ...(away === undefined ? {} : { away }),
  };
}

/** The table that is in force, and whether it still is what the engine gave; null: not known. */
function trafficSeen(world: World): Seen["traffic"] {
  const state = world.traffic();
  // Of several load balancers all must say so.
  if (state === null || state.away !== undefined) return null;
  const { table, returnedAt, endpoints } = state;
  return {
    stable: table?.stable?.version ?? null,
    candidate: table?.candidate?.version ?? null,
    share: table?.share ?? 0,
    ...(table?.twin === undefined ? {} : { hasTwin: true }),
    returnedByItself: returnedAt !== null,
    ejected: Object.entries(endpoints).flatMap(([id, { ejected }]) => (ejected ? [id] : [])),
  };
}
