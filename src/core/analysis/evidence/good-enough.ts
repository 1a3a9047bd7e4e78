import type { Guard } from "../../plan/guard.ts";
import type { SecondRow } from "../../observation.ts";
import { ratesWithin, WITHIN } from "../statistics/alternatives.ts";
import { type CountedSecond, gainsOf, NOTHING_COUNTED } from "./counted-second.ts";
import { type EProcess, grow, limitGains } from "../statistics/e-process.ts";
import type { GuardEvidence } from "./gathered.ts";
import { excludedBy, type Past } from "./past.ts";
import { type Trials, trialsOf } from "./seconds.ts";
import { EXCLUDED_RATIO, factorOf, marginOf, tailToExclude, toleranceOf } from "./tested-limits.ts";

/** Grows the evidence that the candidate's rate is below what must be excluded, and that its odds ratio is. */
export function shownGoodEnough(
  guard: Guard,
  { shown, past }: GuardEvidence,
  { compared, ofSecond, candidate }: Seen,
): GuardEvidence["shown"] {
  const factor = factorOf(guard);
  return {
    byRate: byRate(guard, shown.byRate, ofSecond, candidate),
    byRatio:
      factor === null ? byPast(guard, shown.byRatio, past, candidate) : byRatio(guard, shown.byRatio, compared, factor),
  };
}

/** One second. */
interface Seen {
  /** With those before it that waited to be compared at once. */
  readonly compared: CountedSecond;
  /** By itself. */
  readonly ofSecond: CountedSecond;
  readonly candidate: SecondRow | null;
}

function byRate(guard: Guard, before: EProcess, ofSecond: CountedSecond, candidate: SecondRow | null): EProcess {
  const margin = marginOf(guard);
  if (margin !== null) return grownWithin(before, trialsOf(guard.metric, candidate, margin.limitMs), margin.rate);
  const rate = tailToExclude(guard);
  if (rate === null) return before;
  // What is beyond stable's quantile is known while stable answers too.
  return grownWithin(before, ofSecond.nStable > 0 ? ofSecond : NOTHING_COUNTED, rate);
}

function byRatio(guard: Guard, before: EProcess, compared: CountedSecond, factor: number): EProcess {
  const tolerance = EXCLUDED_RATIO * toleranceOf(guard, factor);
  return grow(before, gainsOf(compared, { grid: WITHIN, tolerance, tempering: 1 }), 1);
}

/** Where it is held against stable before the switch: twice the odds that are tolerated must be excluded, as of stable beside it. */
function byPast(guard: Guard, before: EProcess, past: Past | undefined, candidate: SecondRow | null): EProcess {
  const excluded = excludedBy(guard, past);
  if (excluded === null) return before;
  return grownWithin(before, trialsOf(guard.metric, candidate, excluded.limitMs), excluded.rate);
}

function grownWithin(before: EProcess, { n, bad }: Trials, rate: number): EProcess {
  return grow(before, limitGains(n, bad, rate, ratesWithin(rate)), 1);
}
