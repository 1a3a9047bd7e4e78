import { type Fault, FaultError } from "../core/fault.ts";
import type { TrafficState } from "../core/traffic/routing.ts";
import type { Ports } from "./api.ts";

/**
 * The epoch of this engine, claimed. Where the journal was lost, plane and keeper remember a higher one than it knows:
 * whoever holds the lock may go beyond it. `known`: the highest that was met. Faults: the journal's, stale-epoch.
 */
export async function claimedEpoch(
  ports: Ports,
  known: number,
): Promise<{ readonly epoch: number; readonly unclaimed: readonly Claimable[] }> {
  for (let above = known, tries = 0; ; tries += 1) {
    const epoch = await ports.journal.raiseEpoch(above);
    try {
      return { epoch, unclaimed: await claim(epoch, [ports.traffic, ports.runtime]) };
    } catch (error) {
      // They say only that theirs is higher.
      if (tries >= 40) throw error;
      above = epoch * 2;
    }
  }
}

/**
 * From now on data plane and runtime refuse whoever acted before. Answers which of them could not be asked: those that do
 * not run yet are claimed when they do. Faults: stale-epoch.
 */
export async function claim(epoch: number, places: readonly Claimable[]): Promise<readonly Claimable[]> {
  const left: Claimable[] = [];
  for (const place of places) {
    try {
      await place.claim(epoch);
    } catch (error) {
      if (error instanceof FaultError && error.fault.code === "stale-epoch") throw error;
      left.push(place);
    }
  }
  return left;
}

/** What keeps the highest epoch that it has met. */
export type Claimable = Pick<Ports["traffic"], "claim">;

/** `refusal`: of data plane or runtime, which know a higher one. Faults: stale-epoch. */
export function mustBeNewest(epoch: number, traffic: TrafficState | null, refusal: Fault | null): void {
  const isOlder = traffic !== null && traffic.epoch > epoch;
  if (!isOlder && refusal === null) return;
  const emergency = traffic?.table?.emergency;
  const by =
    isOlder && emergency !== undefined && emergency.epoch > epoch
      ? `, by \`tidegate rollback --now\` of ${emergency.by ?? "another engine"}`
      : "";
  throw new FaultError({
    code: "stale-epoch",
    what: isOlder
      ? `This engine (epoch ${epoch}) stops acting: epoch ${traffic.epoch} has taken over at the data plane${by}.`
      : `This engine (epoch ${epoch}) stops acting: ${refusal?.what ?? ""}`,
    fix: "tidegate status says where things stand; whoever acts next goes on: tidegate attach",
  });
}
