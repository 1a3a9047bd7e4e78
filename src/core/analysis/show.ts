import type { Guard } from "../plan/guard.ts";
import type { SecondRow } from "../observation.ts";
import { ratesWithin, WITHIN } from "./alternatives.ts";
import { type CountedSecond, gainsOf, NOTHING_COUNTED } from "./counted-second.ts";
import { type EProcess, grow, limitGains } from "./e-process.ts";
import type { GuardEvidence } from "./gathered.ts";
import { excludedBy, type Past } from "./past.ts";
import { trialsOf } from "./seconds.ts";
import { EXCLUDED_RATIO, factorOf, marginOf, tailToExclude, toleranceOf } from "./tested-limits.ts";

/** Grows the evidence that the candidate's rate is below what must be excluded, and that its odds ratio is. */
export function show(
  guard: Guard,
  { shown: { byRate, byRatio }, past }: GuardEvidence,
  seen: { readonly compared: CountedSecond; readonly ofSecond: CountedSecond; readonly candidate: SecondRow | null },
): GuardEvidence["shown"] {
  const { compared, ofSecond, candidate } = seen;
  const margin = marginOf(guard);
  const ratio = factorOf(guard);
  // What is beyond stable's quantile is known while stable answers too.
  const besideStable = ofSecond.nStable > 0 ? ofSecond : NOTHING_COUNTED;
  const trials = margin === null ? besideStable : trialsOf(guard.metric, candidate, margin.limitMs);
  const rate = margin === null ? tailToExclude(guard) : margin.rate;
  return {
    byRate: rate === null ? byRate : grow(byRate, limitGains(trials.n, trials.bad, rate, ratesWithin(rate)), 1),
    byRatio:
      ratio === null
        ? byPast(guard, byRatio, past, candidate)
        : grow(
            byRatio,
            gainsOf(compared, {
              grid: WITHIN,
              tolerance: EXCLUDED_RATIO * toleranceOf(guard, ratio),
              tempering: 1,
            }),
            1,
          ),
  };
}

/** Where it is held against stable before the switch: twice the odds that are tolerated must be excluded, as of stable beside it. */
function byPast(guard: Guard, byRatio: EProcess, past: Past | undefined, candidate: SecondRow | null): EProcess {
  const excluded = excludedBy(guard, past);
  if (excluded === null) return byRatio;
  const { n, bad } = trialsOf(guard.metric, candidate, excluded.limitMs);
  return grow(byRatio, limitGains(n, bad, excluded.rate, ratesWithin(excluded.rate)), 1);
}
