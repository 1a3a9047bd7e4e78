import type { CountedSecond } from "../analysis/comparison.ts";
import { bucketOf, upperEdge } from "../analysis/histogram.ts";
import { normalCdf, normalQuantile } from "../analysis/normal.ts";
import type { Random } from "../analysis/random.ts";
import {
  type BurstModel,
  either,
  type ForecastGuard,
  LATENCY_GUARDS,
  type LatencyModel,
  type ModelSecond,
  type TrafficModel,
} from "./traffic-model.ts";
import { createVisitors } from "./visitors.ts";

/** Seconds of the model, one after the other. */
export function createTraffic(model: TrafficModel, random: Random): () => ModelSecond {
  const burst = bursts(model.bursts, random);
  if (model.visitors !== null) return createVisitors(model, model.visitors, burst, random);
  const slow = model.latency === null ? [] : slowParts(model.latency);
  return () => {
    const extra = burst();
    const n = random.poisson(model.rps * model.share);
    const nStable = random.poisson(model.rps * (1 - model.share));
    const counted: Partial<Record<ForecastGuard, CountedSecond>> = {
      errors: {
        n,
        nStable,
        bad: random.binomial(n, either(model.candidateErrors, extra)),
        badStable: random.binomial(nStable, either(model.stableErrors, extra)),
      },
    };
    for (const { guard, stable, candidate } of slow)
      counted[guard] = { n, nStable, bad: random.binomial(n, candidate), badStable: random.binomial(nStable, stable) };
    return { counted, visitors: null, failing: {} };
  };
}

/** What part of each version's requests is slower than stable's quantiles, the edges of buckets included. */
export function slowParts({ stableP95Ms, spread, candidateSlower, tolerance }: LatencyModel): readonly {
  readonly guard: keyof typeof LATENCY_GUARDS;
  readonly stable: number;
  readonly candidate: number;
}[] {
  const middle = Math.log(stableP95Ms) - spread * normalQuantile(0.95);
  return Object.entries(LATENCY_GUARDS).map(([guard, q]) => {
    const limit = upperEdge(bucketOf(Math.exp(middle + spread * normalQuantile(q))));
    const above = (factor: number): number => 1 - normalCdf((Math.log(limit / factor) - middle) / spread);
    return {
      guard: guard as keyof typeof LATENCY_GUARDS,
      stable: above(1),
      candidate: above(candidateSlower / tolerance),
    };
  });
}

/** The errors that hit both versions, second by second. */
function bursts(model: BurstModel | null, random: Random): () => number {
  if (model === null) return () => 0;
  let left = 0;
  return () => {
    if (left > 0) left -= 1;
    else if (random.next() < 1 / model.everySeconds)
      left = Math.max(1, Math.round(model.lastsSeconds * random.exponential()));
    return left > 0 ? model.errors : 0;
  };
}
