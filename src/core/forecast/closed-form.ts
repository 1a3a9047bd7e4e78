import type { Comparison } from "../analysis/evidence/comparison.ts";
import { power, type Power } from "../analysis/statistics/power.ts";
import type { Forecast } from "./forecast.ts";
import { besidesOf, type ComparedShare } from "./besides.ts";
import { atMostCaught } from "./at-most-caught.ts";
import { slowParts } from "./traffic.ts";
import type { ForecastGuard, TrafficModel } from "./traffic-model.ts";

/**
 * What a step would catch, at once and without a single run: by the guard that tells it best. Bursts and kinds of visitors are not
 * in it, and together the guards catch a little more than the best of them.
 */
export function inClosedForm({ traffic, seconds, comparison, tempering }: Forecast): Power {
  return byBestGuard(badParts(traffic), { ...traffic, seconds, comparison, tempering: tempering ?? 1 });
}

/** What part of each version's requests is bad, 0 … 1. */
export interface BadPart {
  readonly stable: number;
  readonly candidate: number;
}

/** The traffic of a step, and how it is compared. */
export interface WatchedTraffic extends ComparedShare {
  /** Requests a second of all versions. */
  readonly rps: number;
  readonly seconds: number;
  readonly comparison: Comparison;
  readonly tempering: number;
}

/** By the guard that tells it best; a guard without a part says nothing. */
export function byBestGuard(
  parts: Readonly<Partial<Record<ForecastGuard, BadPart>>>,
  { rps, seconds, comparison, tempering, ...shared }: WatchedTraffic,
): Power {
  let best: Power = { caught: 0, delaySeconds: null };
  for (const { id, weight, tolerance } of comparison.guards) {
    const part = parts[id as ForecastGuard];
    if (part === undefined) continue;
    const question = {
      candidateRps: rps * shared.share,
      stableRps: rps * besidesOf(shared),
      candidateBad: part.candidate,
      stableBad: part.stable,
      seconds,
      alpha: comparison.alpha,
      weight,
      tolerance,
      tempering,
    };
    const formula = power(question);
    const found = { ...formula, caught: Math.min(formula.caught, atMostCaught(question)) };
    if (isBetter(found, best)) best = found;
  }
  return best;
}

/** Of two that are as sure the faster one tells first. */
function isBetter(one: Power, other: Power): boolean {
  if (Math.abs(one.caught - other.caught) > 1e-6) return one.caught > other.caught;
  return (one.delaySeconds ?? Number.POSITIVE_INFINITY) < (other.delaySeconds ?? Number.POSITIVE_INFINITY);
}

/** Of the candidate as it is described, by guard. */
export function badParts({
  stableErrors,
  candidateErrors,
  latency,
}: TrafficModel): Readonly<Partial<Record<ForecastGuard, BadPart>>> {
  const parts: Partial<Record<ForecastGuard, BadPart>> = {
    errors: { stable: stableErrors, candidate: candidateErrors },
  };
  if (latency === null) return parts;
  for (const { guard, stable, candidate } of slowParts(latency)) parts[guard] = { stable, candidate };
  return parts;
}
