import { LATENCIES } from "../plan/guard.ts";
import type { CountedSecond } from "../analysis/evidence/counted-second.ts";
import { bucketOf, upperEdge } from "../analysis/histogram.ts";
import { candidateLimitMs } from "../analysis/evidence/slow-limit.ts";
import { normalCdf, normalQuantile } from "../analysis/statistics/normal.ts";
import type { Random } from "../analysis/statistics/random.ts";
import { besidesOf } from "./besides.ts";
import { createConditions } from "./conditions.ts";
import { either, type ForecastGuard, type LatencyModel, type ModelSecond, type TrafficModel } from "./traffic-model.ts";
import { createVisitors } from "./visitors.ts";

/** Seconds of the model, one after the other, counted for the guards that are asked for. */
export function createTraffic(
  model: TrafficModel,
  isAsked: (guard: ForecastGuard) => boolean,
  random: Random,
): () => ModelSecond {
  const conditions = createConditions(model, random);
  if (model.visitors !== null) return createVisitors(model, model.visitors, { conditions, isAsked }, random);
  const besides = besidesOf(model);
  const partsUnder = (load?: number): ReturnType<typeof slowParts> =>
    model.latency === null ? [] : slowParts(model.latency, load).filter(({ guard }) => isAsked(guard));
  const calm = partsUnder();
  const loaded = partsUnder(model.load?.slower);
  return () => {
    const { errors: extra, slower, busier } = conditions();
    const n = random.poisson(model.rps * model.share * busier);
    const nStable = random.poisson(model.rps * besides * busier);
    const counted: Partial<Record<ForecastGuard, CountedSecond>> = {
      errors: {
        n,
        nStable,
        bad: random.binomial(n, either(model.candidateErrors, extra)),
        badStable: random.binomial(nStable, either(model.stableErrors, extra)),
      },
    };
    for (const { guard, stable, candidate } of slower === 1 ? calm : loaded)
      counted[guard] = { n, nStable, bad: random.binomial(n, candidate), badStable: random.binomial(nStable, stable) };
    return { counted, visitors: null, failing: {}, temperings: {}, speedEvidence: null };
  };
}

/** What part of each version's requests is slower than stable's quantiles, the edges of buckets included; `load`: how many times as long both take. */
export function slowParts(
  { stableP95Ms, spread, candidateSlower, tolerance }: LatencyModel,
  load = 1,
): readonly {
  readonly guard: keyof typeof LATENCIES;
  readonly stable: number;
  readonly candidate: number;
}[] {
  const middle = Math.log(stableP95Ms) - spread * normalQuantile(0.95);
  return Object.entries(LATENCIES).map(([guard, q]) => {
    const limit = upperEdge(bucketOf(Math.exp(middle + spread * normalQuantile(q))));
    const above = (ms: number, factor: number): number => 1 - normalCdf((Math.log(ms / factor) - middle) / spread);
    return {
      guard: guard as keyof typeof LATENCIES,
      stable: above(limit, load),
      candidate: above(candidateLimitMs(limit, tolerance), load * candidateSlower),
    };
  });
}
