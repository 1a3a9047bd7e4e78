import { type Emergency, untold } from "../core/release/emergency.ts";
import type { Release } from "../core/release/release.ts";
import type { Context } from "./context.ts";

/** What was done in an emergency and the release's journal does not know of yet: by the file, and by the data plane itself. */
export async function untoldEmergencies(context: Context, release: Release): Promise<readonly Emergency[]> {
  const exit = await context.machinery.emergencyExit(context.project().state);
  const [pending, state] = await Promise.all([
    exit.log.pending().catch(() => []),
    exit.traffic.read().catch(() => null),
  ]);
  const inForce = state?.table?.emergency;
  return untold(release, inForce === undefined ? pending : [...pending, inForce]);
}
