import { addTo, type Coverage } from "./coverage.ts";
import type { Seeds, SeedsPlayed } from "./play-seeds.ts";
import type { Violation } from "./rules/rule.ts";
import { spread } from "./spread.ts";

export interface Simulated {
  readonly seeds: number;
  readonly failures: readonly { readonly seed: number; readonly violations: readonly Violation[] }[];
  readonly coverage: Coverage;
  readonly virtualMs: number;
}

const SEEDS_A_PIECE = 20;

/** Plays `count` worlds over all cores. `failed` is told of each that breaks a rule as soon as that is known. */
export async function simulate(
  { from, count }: Seeds,
  failed: (seed: number, violations: readonly Violation[]) => void = () => undefined,
): Promise<Simulated> {
  const failures: { seed: number; violations: readonly Violation[] }[] = [];
  const coverage: Coverage = new Map();
  let virtualMs = 0;
  await spread<Seeds>({
    program: new URL("play-seeds.ts", import.meta.url),
    pieces: piecesOf(from, count),
    take: (result) => {
      const played = result as SeedsPlayed;
      virtualMs += played.virtualMs;
      for (const [key, times] of played.coverage) addTo(coverage, key, times);
      for (const { seed, violations } of played.failures) {
        failures.push({ seed, violations });
        failed(seed, violations);
      }
    },
  });
  return { seeds: count, failures: failures.sort((a, b) => a.seed - b.seed), coverage, virtualMs };
}

function* piecesOf(from: number, count: number): Generator<Seeds> {
  for (let at = from; at < from + count; at += SEEDS_A_PIECE)
    yield { from: at, count: Math.min(SEEDS_A_PIECE, from + count - at) };
}
