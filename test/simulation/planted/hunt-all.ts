import { spread } from "../spread.ts";
import type { PlantedFault } from "./fault.ts";
import { FAULTS } from "./faults.ts";
import type { Hunt, Hunted } from "./hunt.ts";

/** In how many worlds a planted fault must show at the latest. */
const HUNTED_SEEDS = 1_000;

/** Hunts each planted fault in a thread of its own. */
export async function huntAll(
  told: (fault: PlantedFault, hunted: Hunted) => void = () => undefined,
  faults: readonly PlantedFault[] = FAULTS,
): Promise<{ readonly planted: number; readonly found: number }> {
  let found = 0;
  const pieces = faults.map((fault): Hunt => ({ fault, seeds: HUNTED_SEEDS }));
  await spread<Hunt>({
    program: new URL("hunt.ts", import.meta.url),
    pieces: pieces.values(),
    take: (result, { fault }) => {
      const hunted = result as Hunted;
      if (hunted.seed !== null) found += 1;
      told(fault, hunted);
    },
    fresh: true,
  });
  return { planted: faults.length, found };
}
