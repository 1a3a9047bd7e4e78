import { type Emergency, untold } from "../core/release/emergency.ts";
import { evolve } from "../core/release/evolve.ts";
import type { Ports } from "./api.ts";
import type { Hands } from "./hands.ts";

/**
 * Takes over every release that has something left to do, or was put back without the journal; what was under way counts
 * as interrupted.
 */
export async function takeOverAll(
  { journal, clock, emergencies: log }: Ports,
  epoch: number,
  hands: Hands,
  emergencies: readonly Emergency[],
): Promise<void> {
  const open = new Set(await journal.open());
  for (const id of new Set([...open, ...emergencies.map(({ release }) => release)])) {
    const loaded = await hands.load(id);
    if (loaded === null) continue;
    // An engine that died after it had told the journal.
    for (const { id: known } of loaded.release.emergencies)
      if (emergencies.some((each) => each.id === known)) await log.forget(known).catch(() => undefined);
    if (!open.has(id) && untold(loaded.release, emergencies).length === 0) continue;
    const at = { wall: Math.round(clock.wall()), watched: loaded.release.lastAt.watched };
    const awayMs = Math.max(0, at.wall - loaded.release.lastAt.wall);
    const [tookOver] = await journal.append(
      id,
      loaded.seq,
      [{ event: { type: "engine-took-over", epoch, awayMs }, at }],
      epoch,
    );
    if (tookOver !== undefined) hands.adopt(evolve(loaded.release, tookOver), tookOver.seq);
  }
}
