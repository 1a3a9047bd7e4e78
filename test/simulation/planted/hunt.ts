import { answerParent } from "../answer-parent.ts";
import type { PlantedFault } from "./fault.ts";
import { plant } from "./plant.ts";

/** What became of the hunt for one fault. */
export interface Hunted {
  /** The first seed in which its rule was broken; null: none was. */
  readonly seed: number | null;
  readonly sentence: string;
  readonly seeds: number;
  /** It could not be put in. */
  readonly problem: string | null;
}

export interface Hunt {
  readonly fault: PlantedFault;
  /** In how many worlds it must show at the latest. */
  readonly seeds: number;
}

/** A process that has one fault in its program, and plays worlds until the rule that it breaks says so. */
answerParent((piece) => hunt(piece as Hunt));

async function hunt({ fault, seeds }: Hunt): Promise<Hunted> {
  try {
    const planted = plant(fault);
    // Loaded only now, so that the fault is in it.
    const { play } = await import("../play.ts");
    planted.mustBeIn();
    for (let seed = 1; seed <= seeds; seed += 1) {
      const { violations } = await play(seed);
      const found = violations.find(({ rule }) => rule === fault.rule);
      if (found !== undefined) return { seed, sentence: found.sentence, seeds: seed, problem: null };
    }
    return { seed: null, sentence: "", seeds, problem: null };
  } catch (error) {
    return { seed: null, sentence: "", seeds: 0, problem: error instanceof Error ? error.message : String(error) };
  }
}
