import { answerParent } from "./answer-parent.ts";
import { coverageOf, type Coverage } from "./coverage.ts";
import { play } from "./play.ts";
import type { Violation } from "./rules/rule.ts";

export interface Seeds {
  readonly from: number;
  readonly count: number;
}

export interface SeedsPlayed {
  readonly failures: readonly { readonly seed: number; readonly violations: readonly Violation[] }[];
  readonly coverage: readonly (readonly [string, number])[];
  readonly virtualMs: number;
}

/** A process that plays the seeds that it is told. */
answerParent((seeds) => playAll(seeds as Seeds));

async function playAll({ from, count }: Seeds): Promise<SeedsPlayed> {
  const coverage: Coverage = new Map();
  const failures: { seed: number; violations: readonly Violation[] }[] = [];
  let virtualMs = 0;
  for (let seed = from; seed < from + count; seed += 1) {
    const played = await play(seed, coverageOf(coverage));
    virtualMs += played.virtualMs;
    if (played.violations.length > 0) failures.push({ seed, violations: played.violations });
  }
  return { failures, coverage: [...coverage], virtualMs };
}
