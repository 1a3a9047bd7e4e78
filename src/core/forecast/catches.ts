import { LATENCIES } from "../plan/guard.ts";
import type { Comparison } from "../analysis/evidence/comparison.ts";
import { type Buckets, bucketOf, quantile } from "../analysis/histogram.ts";
import { candidateLimitMs } from "../analysis/evidence/slow-limit.ts";
import type { ComparedShare } from "./besides.ts";
import { type BadPart, byBestGuard, type WatchedTraffic } from "./closed-form.ts";
import { LATENCY_TOLERANCE } from "./guards.ts";
import { SLOWDOWNS, worseErrorRates } from "./ladder.ts";
import type { ForecastGuard } from "./traffic-model.ts";

/** Traffic that was really seen. */
export interface SeenTraffic {
  /** Requests a second. */
  readonly rps: number;
  /** The part that failed, 0 … 1. */
  readonly errors: number;
  /** Latencies in buckets; empty: not known. */
  readonly latency: Buckets;
}

/** A share for a while, and how it is compared. */
export interface SharedFor extends ComparedShare {
  readonly seconds: number;
  readonly comparison: Comparison;
  /** By guard: so many times as long as stable the candidate may take. Absent: as usual. */
  readonly latencyTolerance: Readonly<Partial<Record<ForecastGuard, number>>>;
}

/** A fault of the candidate, and the chance that it is caught. */
export interface Catch {
  readonly fault: { readonly errors: number } | { readonly slower: number };
  /** 0 … 1. */
  readonly caught: number;
  /** Mean time; null: the evidence does not grow. */
  readonly delaySeconds: number | null;
}

/**
 * What a comparison with stable would catch, from the mildest fault to the worst: errors, then slowness. In closed form. Of what
 * no guard compares there is nothing.
 */
export function catchesOf(traffic: SeenTraffic, step: SharedFor): readonly Catch[] {
  const { guards } = step.comparison;
  const errors = guards.find(({ id }) => id === "errors");
  const rates = errors === undefined ? [] : worseErrorRates(traffic.errors, errors.tolerance, 10);
  const slowdowns = guards.some(({ id }) => id in LATENCIES) ? SLOWDOWNS : [];
  return [
    ...rates.map((rate) => caughtErrors(traffic, step, rate)),
    ...slowdowns.flatMap((slower): Catch[] => {
      const parts = slowPartsOf(traffic.latency, slower, step.latencyTolerance);
      return parts === null ? [] : [{ fault: { slower }, ...byBestGuard(parts, watched(traffic, step)) }];
    }),
  ];
}

/** The chance of a candidate with such an error rate, 0 … 1, to be caught. In closed form. */
export function caughtErrors(traffic: SeenTraffic, step: SharedFor, rate: number): Catch {
  const parts = { errors: { stable: traffic.errors, candidate: rate } };
  return { fault: { errors: rate }, ...byBestGuard(parts, watched(traffic, step)) };
}

function watched({ rps }: SeenTraffic, step: SharedFor): WatchedTraffic {
  return { ...step, rps, tempering: 1 };
}

/** What of such latencies would count as slow if all took so many times as long. null: no latencies are known. */
function slowPartsOf(
  latency: Buckets,
  slower: number,
  tolerance: SharedFor["latencyTolerance"],
): Readonly<Partial<Record<ForecastGuard, BadPart>>> | null {
  const all = above(latency, -1);
  if (all === 0) return null;
  const parts: Partial<Record<ForecastGuard, BadPart>> = {};
  for (const [name, q] of Object.entries(LATENCIES)) {
    const guard = name as ForecastGuard;
    const limit = quantile(latency, q) ?? 0;
    const ofCandidate = candidateLimitMs(limit, tolerance[guard] ?? LATENCY_TOLERANCE);
    parts[guard] = {
      stable: above(latency, bucketOf(limit)) / all,
      candidate: above(latency, bucketOf(ofCandidate / slower)) / all,
    };
  }
  return parts;
}

/** Counts in buckets beyond `bucket`. */
export function above(latency: Buckets, bucket: number): number {
  let sum = 0;
  for (const key in latency) if (Number(key) > bucket) sum += latency[key] ?? 0;
  return sum;
}
