import { LATENCIES } from "../plan/guard.ts";
import { COHORT_GROUPS } from "../traffic/counting.ts";
import { type CountedSecond, NOTHING_COUNTED } from "../analysis/evidence/counted-second.ts";
import { temperingOf } from "../analysis/statistics/dispersion.ts";
import { normalQuantile } from "../analysis/statistics/normal.ts";
import type { Random } from "../analysis/statistics/random.ts";
import type { Conditions } from "./conditions.ts";
import { besidesOf } from "./besides.ts";
import { drawVisitors } from "./drawn-visitors.ts";
import { createLimits } from "./limits.ts";
import { createPicker } from "./picker.ts";
import { createSpeeds } from "./speeds.ts";
import { either, type ForecastGuard, type ModelSecond, type TrafficModel, type VisitorModel } from "./traffic-model.ts";

const ERRORS = 0;
const GUARDS: readonly ForecastGuard[] = ["errors", ...(Object.keys(LATENCIES) as (keyof typeof LATENCIES)[])];
const QUANTILES = Object.values(LATENCIES);
/** By which it is told what difference is noise, as where a plan says nothing of guards. */
const P95 = QUANTILES.indexOf(LATENCIES.p95);

/** Request by request, as the data plane counts them: millions of them, hence the plain arrays. */
export function createVisitors(
  model: TrafficModel,
  visitors: VisitorModel,
  {
    conditions,
    isAsked,
  }: { readonly conditions: () => Conditions; readonly isAsked: (guard: ForecastGuard) => boolean },
  random: Random,
): () => ModelSecond {
  const { count, countOnceSeconds, knownSeconds, speed } = visitors;
  const drawn = drawVisitors(visitors, model, random);
  const { isCandidate, isCompared, isFailing, slowness } = drawn;
  const pick = createPicker([...drawn.asks], random);
  const { latency } = model;
  const middle =
    latency === null ? 0 : Math.log(latency.stableP95Ms) - Math.hypot(latency.spread, speed) * normalQuantile(0.95);
  const limits =
    latency === null
      ? null
      : createLimits(QUANTILES, {
          middle,
          spread: Math.hypot(latency.spread, speed),
          tolerance: latency.tolerance,
        });
  const speeds =
    latency === null || knownSeconds === null
      ? null
      : createSpeeds(
          drawn,
          {
            share: model.share / (model.share + besidesOf(model)),
            tolerance: latency.tolerance,
            timedBefore: (knownSeconds * model.rps) / count,
            usual: middle,
            spread: latency.spread,
          },
          random,
        );
  const handicap = latency === null ? 0 : Math.log(latency.candidateSlower);
  const guards = latency === null ? GUARDS.slice(0, 1) : GUARDS;
  const timed = guards.flatMap((guard, index) => (index !== ERRORS && isAsked(guard) ? [index] : []));

  const isSeen = new Uint8Array(count);
  const countsFrom = guards.map(() => new Float64Array(count));
  const hasFailed = guards.map(() => new Uint8Array(count));
  const failingOnes = guards.map(() => 0);
  const groups = guards.map(() => Array.from({ length: COHORT_GROUPS }, () => ({ n: 0, bad: 0 })));
  let sums = guards.map(nothing);
  let second = 0;
  let seen = 0;

  const note = (visitor: number, guard: number, isBad: boolean): void => {
    const from = countsFrom[guard];
    const sum = sums[guard];
    if (from === undefined || sum === undefined || (from[visitor] ?? 0) > second) return;
    const isOurs = isCandidate[visitor] === 1;
    const group = groups[guard]?.[visitor % COHORT_GROUPS];
    if (isOurs) sum.n += 1;
    else sum.nStable += 1;
    if (!isOurs && group !== undefined) group.n += 1;
    if (!isBad) return;
    if (isOurs) sum.bad += 1;
    else sum.badStable += 1;
    if (!isOurs && group !== undefined) group.bad += 1;
    if (countOnceSeconds > 0) from[visitor] = second + countOnceSeconds;
    const failed = hasFailed[guard];
    if (!isOurs || failed === undefined || failed[visitor] === 1) return;
    failed[visitor] = 1;
    failingOnes[guard] = (failingOnes[guard] ?? 0) + 1;
  };

  return () => {
    second += 1;
    const { errors, slower, busier } = conditions();
    const [stableRate, candidateRate] = [either(model.stableErrors, errors), either(model.candidateErrors, errors)];
    const slowed = Math.log(slower);
    sums = guards.map(nothing);
    const temperings = byGuard(groups.map(temperingOf));
    const requests = random.poisson(model.rps * busier);
    for (let request = 0; request < requests; request += 1) {
      const visitor = pick();
      if (isCompared[visitor] === 0) continue;
      const isOurs = isCandidate[visitor] === 1;
      if (isOurs && isSeen[visitor] === 0) {
        isSeen[visitor] = 1;
        seen += 1;
      }
      note(visitor, ERRORS, isFailing[visitor] === 1 || random.next() < (isOurs ? candidateRate : stableRate));
      if (latency === null || limits === null) continue;
      const natural = middle + slowed + (slowness[visitor] ?? 0) + latency.spread * random.normal();
      if (!isOurs) limits.saw(natural);
      const judged = isOurs ? natural + handicap : natural;
      speeds?.saw(visitor, judged);
      for (const guard of timed) {
        const limit = isOurs ? limits.ofCandidate(guard - 1) : limits.ofStable(guard - 1);
        note(visitor, guard, judged > limit);
      }
    }
    limits?.next();
    return {
      counted: byGuard(sums),
      visitors: seen,
      failing: byGuard(failingOnes),
      temperings,
      speedEvidence: limits === null ? null : (speeds?.next(Math.exp(limits.ofStable(P95))) ?? null),
    };
  };
}

function nothing(): { -readonly [K in keyof CountedSecond]: CountedSecond[K] } {
  return { ...NOTHING_COUNTED };
}

function byGuard<T>(values: readonly T[]): Partial<Record<ForecastGuard, T>> {
  return Object.fromEntries(values.map((value, index) => [GUARDS[index] ?? "errors", value]));
}
