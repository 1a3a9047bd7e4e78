import { type Buckets, bucketOf, quantile } from "../analysis/histogram.ts";
import { type BadPart, byBestGuard } from "./closed-form.ts";
import { comparisonOf, GUARD_WEIGHTS, LATENCY_TOLERANCE } from "./guards.ts";
import { SLOWDOWNS, worseErrorRates } from "./ladder.ts";
import { type ForecastGuard, LATENCY_GUARDS } from "./traffic-model.ts";

/** Traffic that was really seen. */
export interface SeenTraffic {
  /** Requests a second. */
  readonly rps: number;
  /** The part that failed, 0 … 1. */
  readonly errors: number;
  /** Latencies in buckets; empty: not known. */
  readonly latency: Buckets;
}

/** A share for a while. */
export interface SharedFor {
  /** 0 … 1. */
  readonly share: number;
  readonly seconds: number;
  /** Of all shifts below 100 %. */
  readonly plannedSeconds: number;
  /** The odds ratio of errors that is still no worse. */
  readonly errorTolerance: number;
}

/** A fault of the candidate, and the chance that it is caught. */
export interface Catch {
  readonly fault: { readonly errors: number } | { readonly slower: number };
  /** 0 … 1. */
  readonly caught: number;
  /** Mean time; null: the evidence does not grow. */
  readonly delaySeconds: number | null;
}

/** What a comparison with stable would catch, from the mildest fault to the worst: errors, then slowness. In closed form. */
export function catchesOf(traffic: SeenTraffic, step: SharedFor): readonly Catch[] {
  const errors = worseErrorRates(traffic.errors, step.errorTolerance, 10).map((rate) =>
    caughtErrors(traffic, step, rate),
  );
  const slow = SLOWDOWNS.flatMap((slower): Catch[] => {
    const parts = slowPartsOf(traffic.latency, slower);
    return parts === null ? [] : [{ fault: { slower }, ...chanceOf(parts, traffic, step) }];
  });
  return [...errors, ...slow];
}

export function caughtErrors(traffic: SeenTraffic, step: SharedFor, rate: number): Catch {
  const parts = { errors: { stable: traffic.errors, candidate: rate } };
  return { fault: { errors: rate }, ...chanceOf(parts, traffic, step) };
}

type Parts = Readonly<Partial<Record<ForecastGuard, BadPart>>>;

function chanceOf(
  parts: Parts,
  { rps }: SeenTraffic,
  { share, seconds, plannedSeconds, errorTolerance }: SharedFor,
): ReturnType<typeof byBestGuard> {
  const comparison = comparisonOf(GUARD_WEIGHTS, errorTolerance, plannedSeconds);
  return byBestGuard(parts, { rps, share, seconds, comparison, tempering: 1 });
}

/** What of such latencies would lie above stable's quantiles if all took so many times as long. null: no latencies are known. */
function slowPartsOf(latency: Buckets, slower: number): Parts | null {
  const all = above(latency, -1);
  if (all === 0) return null;
  const parts: Partial<Record<ForecastGuard, BadPart>> = {};
  for (const [guard, q] of Object.entries(LATENCY_GUARDS)) {
    const limit = quantile(latency, q) ?? 0;
    parts[guard as ForecastGuard] = {
      stable: above(latency, bucketOf(limit)) / all,
      candidate: above(latency, bucketOf((limit * LATENCY_TOLERANCE) / slower)) / all,
    };
  }
  return parts;
}

function above(latency: Buckets, bucket: number): number {
  let sum = 0;
  for (const key in latency) if (Number(key) > bucket) sum += latency[key] ?? 0;
  return sum;
}
