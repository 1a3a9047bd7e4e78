import type { Random } from "../analysis/statistics/random.ts";
import type { TrafficModel } from "./traffic-model.ts";

/** What hits both versions alike in one second. */
export interface Conditions {
  /** The part of all requests that fails beside their own failures, 0 … 1. */
  readonly errors: number;
  /** How many times as long everything takes, and as much is asked. */
  readonly slower: number;
  readonly busier: number;
}

/** Second by second. Draws nothing where the model has no bursts and no waves. */
export function createConditions({ bursts, load }: TrafficModel, random: Random): () => Conditions {
  const inBurst = bursts === null ? () => false : spells(bursts, random);
  const underLoad = load === null ? () => false : spells(load, random);
  return () => {
    const errors = inBurst() ? (bursts?.errors ?? 0) : 0;
    return underLoad()
      ? { errors, slower: load?.slower ?? 1, busier: load?.busier ?? 1 }
      : { errors, slower: 1, busier: 1 };
  };
}

/** Whether it lasts, second by second: beginnings and lengths are exponential. */
function spells(
  { everySeconds, lastsSeconds }: { readonly everySeconds: number; readonly lastsSeconds: number },
  random: Random,
): () => boolean {
  let left = 0;
  return () => {
    if (left > 0) left -= 1;
    else if (random.next() < 1 / everySeconds) left = Math.max(1, Math.round(lastsSeconds * random.exponential()));
    return left > 0;
  };
}
