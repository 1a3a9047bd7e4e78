import type { Figures, Guard } from "../../plan/guard.ts";
import { MINUTE, SECOND } from "../../time/time.ts";
import type { GuardEvidence } from "./gathered.ts";
import type { Look } from "../look.ts";
import { boundOf, type Past, toleratedBy } from "./past.ts";
import type { StepSums } from "../windows/step-sums.ts";
import { daysBeforeOf } from "./tested-limits.ts";
import type { View } from "../views.ts";
import { NOTHING_SUMMED, type Seen } from "../windows/window.ts";
import { firstLimit } from "../limit-value.ts";
import { figuresOf } from "../windows/window-figures.ts";

/** Spans of the newest seconds in which a fault may show best, from short to long; the step itself is the last. */
export const TELLING_SPANS_MS = [10 * SECOND, MINUTE, 5 * MINUTE];

/** What both versions did in this step: what a guard tells of while nothing is broken. */
export function figuresOfStep(guard: Guard, { past }: GuardEvidence, { look, step }: View): Figures {
  return heldAgainst(guard, past, look, figuresOf(guard, look, seenInStep(step, look)));
}

/** The span in which the candidate is worst beside what was to be expected of it: a fault that began late is not to be diluted. */
export function mostTelling(guard: Guard, { past }: GuardEvidence, { look, windows }: View, ofStep: Figures): Figures {
  let best = ofStep;
  for (const span of TELLING_SPANS_MS) {
    if (span >= ofStep.windowMs) continue;
    const figures = heldAgainst(guard, past, look, figuresOf(guard, look, windows(span)));
    if (howTelling(figures) > howTelling(best)) best = figures;
  }
  return best;
}

function seenInStep(step: StepSums | null, { stable, fromSecond, toSecond }: Look): Seen {
  return {
    candidate: step?.candidate ?? NOTHING_SUMMED,
    stable: stable === null ? null : (step?.stable ?? NOTHING_SUMMED),
    windowMs: Math.max(0, toSecond - fromSecond + 1) * SECOND,
  };
}

/** With stable's figures from another time: from before the switch, where the candidate has all traffic now, or of another day. */
function heldAgainst(guard: Guard, past: Past | undefined, { switched }: Look, figures: Figures): Figures {
  if (past === undefined || past.n === 0) return figures;
  const { n, bad, ms, from, to, days } = past;
  const isOfGuard = days === (daysBeforeOf(guard) ?? undefined);
  if (!isOfGuard || (days === undefined && switched === undefined)) return figures;
  const rate = guard.metric === "availability" ? 1 - bad / n : bad / n;
  const then = {
    ...figures,
    ...(ms === undefined ? { stable: rate, kStable: bad } : { stable: ms }),
    nStable: n,
  };
  if (days === undefined) return { ...then, before: { from, to } };
  const limit = limitNow(guard, past);
  const { isTwin: _, ...ofStable } = then;
  return {
    ...ofStable,
    ...(limit === null ? {} : { limit }),
    before: { from, to, days, ...(ms === undefined ? { atMost: boundOf(past) } : {}) },
  };
}

/** What is tested now of the limit that a sentence names, in the metric's unit; null: it is none of another day's. */
function limitNow(guard: Guard, past: Past): number | null {
  const limit = firstLimit(guard);
  const tolerated = limit?.kind === "before" ? toleratedBy(past, limit.factor) : null;
  return tolerated === null ? null : (tolerated.limitMs ?? tolerated.rate);
}

/** Standard deviations by which bad requests are more than stable's rate would give; of a latency, its ratio by its count. */
function howTelling({ candidate, stable, n, k, nStable }: Figures): number {
  if (candidate === null || n === 0) return Number.NEGATIVE_INFINITY;
  if (k === undefined) return stable === null || stable === 0 ? 0 : Math.sqrt(n) * Math.log(candidate / stable);
  const base = stable === null || nStable === 0 ? 0 : Math.min(stable, 1 - stable);
  return excess(k, n, base);
}

/** Standard deviations by which `k` of `n` are more than a rate of `base` would give. */
export function excess(k: number, n: number, base: number): number {
  const expected = n * base;
  return (k - expected) / Math.sqrt(Math.max(0.5, expected));
}
