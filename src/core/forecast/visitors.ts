import type { CountedSecond } from "../analysis/comparison.ts";
import { bucketOf, upperEdge } from "../analysis/histogram.ts";
import { normalQuantile } from "../analysis/normal.ts";
import type { Random } from "../analysis/random.ts";
import type { Conditions } from "./conditions.ts";
import {
  either,
  type ForecastGuard,
  LATENCY_GUARDS,
  type ModelSecond,
  type TrafficModel,
  type VisitorModel,
} from "./traffic-model.ts";

interface Visitor {
  readonly isCandidate: boolean;
  readonly isFailing: boolean;
  /** Added to the logarithm of each latency. */
  readonly slowness: number;
  isSeen: boolean;
  /** By guard: counts again from this second on. */
  readonly from: Partial<Record<ForecastGuard, number>>;
  readonly failed: Partial<Record<ForecastGuard, true>>;
}

const QUANTILES = Object.entries(LATENCY_GUARDS) as readonly (readonly [keyof typeof LATENCY_GUARDS, number])[];
/** How many times as much as others. */
const BOTS_ASK = 100;
/** Stable's quantiles are taken from so much before, so often. */
const LIMIT_OF_SECONDS = 60;
const LIMIT_EVERY_SECONDS = 10;

/** Request by request, as the data plane counts them. */
export function createVisitors(
  model: TrafficModel,
  { count, activity, bots, failing, speed, countOnceSeconds }: VisitorModel,
  conditions: () => Conditions,
  random: Random,
): () => ModelSecond {
  const visitors = Array.from({ length: count }, (): Visitor => ({
    isCandidate: random.next() < model.share,
    isFailing: random.next() < failing,
    slowness: speed * random.normal(),
    isSeen: false,
    from: {},
    failed: {},
  }));
  const pick = picker(
    visitors.map(() => Math.exp(activity * random.normal()) * (random.next() < bots ? BOTS_ASK : 1)),
    random,
  );
  const { latency } = model;
  const limits = latency === null ? null : runningLimits(latency.stableP95Ms, Math.hypot(latency.spread, speed));
  const middle =
    latency === null ? 0 : Math.log(latency.stableP95Ms) - Math.hypot(latency.spread, speed) * normalQuantile(0.95);
  let second = 0;
  let seen = 0;
  const failingOnes: Partial<Record<ForecastGuard, number>> = {};

  const countFor = (visitor: Visitor, guard: ForecastGuard, isBad: boolean, into: Counting): void => {
    if ((visitor.from[guard] ?? 0) > second) return;
    const sums = (into[guard] ??= { n: 0, bad: 0, nStable: 0, badStable: 0 });
    if (visitor.isCandidate) sums.n += 1;
    else sums.nStable += 1;
    if (!isBad) return;
    if (visitor.isCandidate) sums.bad += 1;
    else sums.badStable += 1;
    if (countOnceSeconds > 0) visitor.from[guard] = second + countOnceSeconds;
    if (!visitor.isCandidate || visitor.failed[guard] === true) return;
    visitor.failed[guard] = true;
    failingOnes[guard] = (failingOnes[guard] ?? 0) + 1;
  };

  return () => {
    second += 1;
    const { errors: extra, slower, busier } = conditions();
    const counted: Counting = {};
    const requests = random.poisson(model.rps * busier);
    for (let request = 0; request < requests; request += 1) {
      const visitor = visitors[pick()] as Visitor;
      if (visitor.isCandidate && !visitor.isSeen) {
        visitor.isSeen = true;
        seen += 1;
      }
      const rate = visitor.isCandidate ? model.candidateErrors : model.stableErrors;
      countFor(visitor, "errors", visitor.isFailing || random.next() < either(rate, extra), counted);
      if (latency === null || limits === null) continue;
      const natural = slower * Math.exp(middle + visitor.slowness + latency.spread * random.normal());
      if (!visitor.isCandidate) limits.saw(natural);
      const judged = visitor.isCandidate ? (natural * latency.candidateSlower) / latency.tolerance : natural;
      for (const [guard] of QUANTILES) countFor(visitor, guard, judged > limits.of(guard), counted);
    }
    limits?.next(second);
    return { counted, visitors: seen, failing: { ...failingOnes } };
  };
}

type Counting = Partial<Record<ForecastGuard, { -readonly [K in keyof CountedSecond]: CountedSecond[K] }>>;

/** Stable's quantiles over the last minute, snapped to the edges of buckets; known before a second begins. */
function runningLimits(
  p95Ms: number,
  spread: number,
): { saw(ms: number): void; next(second: number): void; of(guard: keyof typeof LATENCY_GUARDS): number } {
  const middle = Math.log(p95Ms) - spread * normalQuantile(0.95);
  const limits = Object.fromEntries(
    QUANTILES.map(([guard, q]) => [guard, upperEdge(bucketOf(Math.exp(middle + spread * normalQuantile(q))))]),
  ) as Record<keyof typeof LATENCY_GUARDS, number>;
  const seconds: number[][] = [[]];
  return {
    saw: (ms) => void seconds.at(-1)?.push(ms),
    of: (guard) => limits[guard],
    next: (second) => {
      if (second >= LIMIT_OF_SECONDS && second % LIMIT_EVERY_SECONDS === 0) {
        const sorted = seconds.flat().sort((a, b) => a - b);
        for (const [guard, q] of QUANTILES) {
          const at = sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
          if (at !== undefined) limits[guard] = upperEdge(bucketOf(at));
        }
      }
      seconds.push([]);
      if (seconds.length > LIMIT_OF_SECONDS) seconds.shift();
    },
  };
}

/** Picks an index by weight. */
function picker(weights: readonly number[], random: Random): () => number {
  const until: number[] = [];
  let sum = 0;
  for (const weight of weights) until.push((sum += weight));
  return () => {
    const at = random.next() * sum;
    let low = 0;
    let high = until.length - 1;
    while (low < high) {
      const half = (low + high) >> 1;
      if ((until[half] ?? 0) <= at) low = half + 1;
      else high = half;
    }
    return low;
  };
}
