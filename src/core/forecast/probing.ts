import { ratesWithin } from "../analysis/alternatives.ts";
import { SHOWN } from "../analysis/bounds.ts";
import { grow, limitGains, logEvidence, UNPROVEN } from "../analysis/e-process.ts";
import { isProbed } from "../analysis/probes.ts";
import { marginOf, tailToExclude } from "../analysis/tested-limits.ts";
import type { Guard } from "../plan/guard.ts";
import type { Plan } from "../plan/plan.ts";
import { SECOND } from "../time/time.ts";

/** More flows than this nobody waits for. */
const MOST_FLOWS = 100_000;

/** Seconds until probes alone have shown that a version of which none fails is good enough; null: the plan has none. */
export function secondsOfProbes(guards: readonly Guard[], probes: Plan["probes"]): number | null {
  if (probes === undefined || probes.flows.length === 0) return null;
  const needed = guards.filter(isProbed).map(flowsToShow);
  return (Math.ceil(Math.max(0, ...needed) / probes.flows.length) * probes.everyMs) / SECOND;
}

function flowsToShow(guard: Guard): number {
  const rate = marginOf(guard)?.rate ?? tailToExclude(guard);
  if (rate === null) return 0;
  const perFlow = limitGains(1, 0, rate, ratesWithin(rate));
  let shown = UNPROVEN;
  while (logEvidence(shown) < SHOWN && shown.seconds < MOST_FLOWS) shown = grow(shown, perFlow, 1);
  return shown.seconds;
}
