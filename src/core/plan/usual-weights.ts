import { factsOf, type Guard, QUANTILES } from "./guard.ts";

/** Of the evidence of all comparisons, by kind of metric, where nothing is written. */
const USUAL = { rates: 0.5, latencies: 0.3, rest: 0.2 };

/** What each of these guards gets of 1 where the plan says nothing: each kind its part, shared by all of the kind. */
export function usualWeights<G extends Pick<Guard, "metric">>(guards: readonly G[]): ReadonlyMap<G, number> {
  const usual = guards.map(
    (guard) => USUAL[kindOf(guard)] / guards.filter((one) => kindOf(one) === kindOf(guard)).length,
  );
  const all = usual.reduce((sum, part) => sum + part, 0);
  return new Map(
    guards.map((guard, index): [G, number] => [guard, Number(((usual[index] ?? 0) / all).toPrecision(12))]),
  );
}

function kindOf(guard: Pick<Guard, "metric">): keyof typeof USUAL {
  if (QUANTILES[guard.metric] !== undefined) return "latencies";
  return factsOf(guard).unit === "share" ? "rates" : "rest";
}
