import { power, type Power } from "../analysis/power.ts";
import type { Forecast } from "./forecast.ts";
import { slowParts } from "./traffic.ts";
import type { ForecastGuard, TrafficModel } from "./traffic-model.ts";

/**
 * What a step would catch, at once and without a single run: by the guard that tells it best. Bursts and kinds of visitors are not
 * in it, and together the guards catch a little more than the best of them.
 */
export function inClosedForm({ traffic, seconds, comparison, tempering }: Forecast): Power {
  const parts = badParts(traffic);
  let best: Power = { caught: 0, delaySeconds: null };
  for (const { id, weight, tolerance } of comparison.guards) {
    const part = parts[id as ForecastGuard];
    if (part === undefined) continue;
    const found = power({
      candidateRps: traffic.rps * traffic.share,
      stableRps: traffic.rps * (1 - traffic.share),
      candidateBad: part.candidate,
      stableBad: part.stable,
      seconds,
      alpha: comparison.alpha,
      weight,
      tolerance,
      tempering,
    });
    if (found.caught > best.caught) best = found;
  }
  return best;
}

interface BadParts {
  readonly stable: number;
  readonly candidate: number;
}

/** By guard: what part of each version's requests is bad. */
function badParts({ stableErrors, candidateErrors, latency }: TrafficModel): Partial<Record<ForecastGuard, BadParts>> {
  const parts: Partial<Record<ForecastGuard, BadParts>> = {
    errors: { stable: stableErrors, candidate: candidateErrors },
  };
  if (latency === null) return parts;
  for (const { guard, stable, candidate } of slowParts(latency)) parts[guard] = { stable, candidate };
  return parts;
}
