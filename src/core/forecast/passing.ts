import { ratesWithin, WITHIN } from "../analysis/statistics/alternatives.ts";
import { SHOWN } from "../analysis/evidence/bounds.ts";
import { logAdd } from "../analysis/statistics/e-process.ts";
import { bucketOf } from "../analysis/histogram.ts";
import { crossing, walkOf } from "../analysis/statistics/power.ts";
import { acting, EXCLUDED_RATIO, factorOf, marginOf, toleranceOf } from "../analysis/evidence/tested-limits.ts";
import { type Guard, isActedOn, QUANTILES } from "../plan/guard.ts";
import { TIMES_WAITED } from "../plan/hold-time.ts";
import { SECOND } from "../time/time.ts";
import { besidesOf, type ComparedShare } from "./besides.ts";
import { above, type SeenTraffic } from "./catches.ts";

/** How soon a version that is as good as stable is shown to be good enough to go on. */
export interface Passing {
  /** Mean time, by the guard that takes longest; null: never, because stable itself is not good enough. */
  readonly seconds: number | null;
  /** The chance that it is shown in the time that is waited for it, after which the step is unclear. 0 … 1. */
  readonly chance: number;
}

/** null: no guard of the step demands it. */
export function passingOf(
  guards: readonly Guard[],
  traffic: SeenTraffic,
  { seconds, ...shared }: ComparedShare & { readonly seconds: number },
): Passing | null {
  const demanding = guards.filter(
    (guard) => isActedOn(guard) && guard.feature === undefined && acting(guard).length > 0,
  );
  let slowest: Passing | null = null;
  for (const guard of demanding) {
    const walks = walksOf(guard, traffic, shared);
    if (walks === null) continue;
    const delay = (guard.delayMs ?? 0) / SECOND;
    const looked = fasterOf(walks.map((bets) => passingBy(bets, TIMES_WAITED * seconds - delay)));
    const found = { ...looked, seconds: looked.seconds === null ? null : looked.seconds + delay };
    if (slowest === null || found.chance < slowest.chance || isLater(found, slowest)) slowest = found;
  }
  return slowest;
}

function isLater(one: Passing, other: Passing): boolean {
  return (
    one.chance === other.chance &&
    (one.seconds ?? Number.POSITIVE_INFINITY) > (other.seconds ?? Number.POSITIVE_INFINITY)
  );
}

function fasterOf(ways: readonly Passing[]): Passing {
  return ways.reduce((best, way) => (way.chance > best.chance || isLater(best, way) ? way : best), NEVER);
}

const NEVER: Passing = { seconds: null, chance: 0 };

/** By the mean of the bets: on its mean path each grows by its own drift, and together they are there before the best of them alone. */
function passingBy(bets: readonly Walk[], within: number): Passing {
  const best = bets.reduce<Walk | null>((top, bet) => (top === null || bet.drift > top.drift ? bet : top), null);
  if (best === null || best.drift <= 0) return NEVER;
  let low = 0;
  let high = (SHOWN + Math.log(bets.length)) / best.drift;
  for (let step = 0; step < 40; step += 1) {
    const middle = (low + high) / 2;
    const log = bets.map(({ drift }) => drift * middle).reduce(logAdd) - Math.log(bets.length);
    if (log < SHOWN) low = middle;
    else high = middle;
  }
  return { seconds: high, chance: crossing(best.drift, best.variance, best.drift * high, within) };
}

type Walk = ReturnType<typeof walkOf>;

/** A second's gain of each bet that the version is good, by its own rate and by comparison. null: nothing is known of what the guard measures. */
function walksOf(guard: Guard, traffic: SeenTraffic, shared: ComparedShare): readonly (readonly Walk[])[] | null {
  const q = QUANTILES[guard.metric];
  const answers = above(traffic.latency, -1);
  if (guard.metric === "websockets" || (q !== undefined && answers === 0)) return null;
  const margin = marginOf(guard);
  const factor = factorOf(guard);
  const bad = q === undefined ? traffic.errors : 1 - q;
  const perSecond = traffic.rps * shared.share;
  const byRate =
    margin === null
      ? []
      : ratesWithin(margin.rate).map((rate) => {
          const part =
            margin.limitMs === null ? traffic.errors : above(traffic.latency, bucketOf(margin.limitMs)) / answers;
          return rateWalk(part, rate, margin.rate, perSecond);
        });
  const byRatio =
    factor === null
      ? []
      : WITHIN.map((part) =>
          walkOf(
            {
              candidateRps: perSecond,
              stableRps: traffic.rps * besidesOf(shared),
              candidateBad: bad,
              stableBad: bad,
              tolerance: EXCLUDED_RATIO * toleranceOf(guard, factor),
            },
            part,
          ),
        );
  return [byRate, byRatio];
}

/** Of trials of which `part` is bad: the bet on `rate` against `limit`. */
function rateWalk(part: number, rate: number, limit: number, perSecond: number): Walk {
  const ofBad = Math.log(rate / limit);
  const ofGood = Math.log1p(-rate) - Math.log1p(-limit);
  return {
    drift: perSecond * (part * ofBad + (1 - part) * ofGood),
    variance: perSecond * (part * ofBad ** 2 + (1 - part) * ofGood ** 2),
  };
}
