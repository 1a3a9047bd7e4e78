import { faultOf } from "../core/fault.ts";
import type { EmergencyExit, EpochHolder } from "../ports/emergency-exit.ts";

/** Whether somebody besides the data plane refuses the engine that acted until now. */
export interface Fencing {
  readonly name: string;
  readonly isFenced: boolean;
  /** Why not. */
  readonly why?: string;
}

/**
 * Has everybody who can refuse a lower epoch do so. Where one of them knows a higher one than the data plane was told
 * (an engine whose claim had not reached it), the plane is told that too: else that engine could still write.
 */
export async function fenceOthers(exit: EmergencyExit, epoch: number, hasPlane: boolean): Promise<readonly Fencing[]> {
  const known = await Promise.all(exit.others.map((each) => each.epoch().catch(() => undefined)));
  const highest = Math.max(0, ...known.map((each) => each ?? 0));
  const mine = highest < epoch ? epoch : highest + 1;
  // Who can't say what it knows may all the same refuse, or at least be told of as one who does not.
  const fencings = exit.others.flatMap((each, index) => (known[index] === null ? [] : fence(each, mine)));
  if (mine > epoch && hasPlane) {
    const plane = {
      name: "the data plane",
      epoch: () => Promise.resolve(null),
      claim: (next: number) => exit.traffic.claim(next),
    };
    fencings.push(...fence(plane, mine));
  }
  return Promise.all(fencings);
}

function fence({ name, claim }: EpochHolder, epoch: number): readonly Promise<Fencing>[] {
  if (claim === undefined) return [];
  return [
    claim(epoch).then(
      () => ({ name, isFenced: true }),
      (error: unknown) => ({ name, isFenced: false, why: faultOf(error, "unreachable", "It does not answer.").what }),
    ),
  ];
}
