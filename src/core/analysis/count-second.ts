import { type Guard, QUANTILES } from "../plan/guard.ts";
import type { SecondRow } from "../observation.ts";
import { SECOND } from "../time/time.ts";
import { COHORT_GROUPS, counterOf } from "../traffic/counting.ts";
import { ratesBeyond } from "./alternatives.ts";
import { type CountedSecond, gainsOf, NOTHING_COUNTED } from "./counted-second.ts";
import { type CohortCounts, temperingOf } from "./dispersion.ts";
import { type EProcess, freshEProcess, grow, limitGains, ODDS_RATIOS } from "./e-process.ts";
import type { GuardEvidence } from "./gathered.ts";
import type { Look } from "./look.ts";
import { toleratedBy } from "./past.ts";
import { countedOf, type SecondOfBoth, trialsOf } from "./seconds.ts";
import { show } from "./show.ts";
import { RENEWED_EVERY_SECONDS, slowLimit } from "./slow-limit.ts";
import { together } from "./strata.ts";
import { evidenceKey, factorOf, factorsOf, limitRate, tested, toleranceOf } from "./tested-limits.ts";

/** The evidence on a guard with one second more. */
export function countSecond(guard: Guard, before: GuardEvidence, both: SecondOfBoth, look: Look): GuardEvidence {
  const factors = factorsOf(guard);
  const slow = slowNow(guard, factors, before, both.second, look);
  // The one that acts tells who has failed, and what a step must exclude.
  const factor = factorOf(guard);
  const counter = factor === null ? null : counterOf(guard, factor);
  // By what was known before this second: evidence must not be tempered by itself.
  const tempering = temperingOf(before.groups);
  const counted = Object.fromEntries(
    factors.map((one) => {
      const id = counterOf(guard, one);
      return [id, countedOf(guard.metric, both, { slow: slow[id] ?? null, counter: id })];
    }),
  );
  const { open, closed } = together(before.open, counted);
  const comparedBy = (id: string | null): CountedSecond =>
    id === null ? NOTHING_COUNTED : (closed[id] ?? NOTHING_COUNTED);
  // A bake goes on for as long as people like, and what breaks late in it must be found as well.
  const plannedSeconds = look.switched === undefined ? look.plannedMs / SECOND : Number.POSITIVE_INFINITY;
  const against: Record<string, EProcess> = { ...before.against };
  const onStable: Record<string, EProcess> = { ...before.onStable };
  for (const one of tested(guard)) {
    const { limit } = one;
    const key = evidenceKey(one, look);
    const now = against[key] ?? freshEProcess();
    if (limit.kind === "relative") {
      const gains = gainsOf(comparedBy(counterOf(guard, limit.factor)), {
        grid: ODDS_RATIOS,
        tolerance: toleranceOf(guard, limit.factor),
        tempering,
      });
      against[key] = grow(now, gains, plannedSeconds);
      continue;
    }
    if (limit.kind === "before") {
      const tolerated = toleratedBy(before.past, limit.factor);
      if (tolerated === null) continue;
      const { n, bad } = trialsOf(guard.metric, both.candidate, tolerated.limitMs);
      against[key] = grow(now, limitGains(n, bad, tolerated.rate, ratesBeyond(tolerated.rate)), plannedSeconds);
      continue;
    }
    const rate = limitRate(guard, limit.value);
    const mine = trialsOf(guard.metric, both.candidate, limit.value);
    const theirs = trialsOf(guard.metric, both.stable, limit.value);
    against[key] = grow(now, limitGains(mine.n, mine.bad, rate, ratesBeyond(rate)), plannedSeconds);
    onStable[key] = grow(
      onStable[key] ?? freshEProcess(),
      limitGains(theirs.n, theirs.bad, rate, ratesBeyond(rate)),
      plannedSeconds,
    );
  }
  const mine = counter === null ? undefined : both.candidate?.counted?.[counter];
  const theirs = counter === null ? undefined : both.stable?.cohorts?.[counter];
  return {
    against,
    onStable,
    shown: show(guard, before, {
      compared: comparedBy(counter),
      ofSecond: (counter === null ? undefined : counted[counter]) ?? NOTHING_COUNTED,
      candidate: both.candidate,
    }),
    failing: mine === undefined ? before.failing : (before.failing ?? 0) + mine.newlyBad,
    groups: theirs === undefined ? before.groups : withCohorts(before.groups, theirs),
    open,
    slow,
  };
}

function withCohorts(groups: CohortCounts, more: NonNullable<SecondRow["cohorts"]>[string]): CohortCounts {
  return Array.from({ length: COHORT_GROUPS }, (_, group) => {
    const { n, bad } = groups[group] ?? { n: 0, bad: 0 };
    const [requests, failed] = more[group] ?? [0, 0];
    return { n: n + requests, bad: bad + failed };
  });
}

/** A comparison of latencies needs to know what stable takes, and to know it before the second begins. */
function slowNow(
  guard: Guard,
  factors: readonly number[],
  { slow }: GuardEvidence,
  second: number,
  look: Look,
): GuardEvidence["slow"] {
  const quantile = QUANTILES[guard.metric];
  const { stable } = look;
  if (quantile === undefined || stable === null) return {};
  const now = factors.flatMap((tolerance) => {
    const id = counterOf(guard, tolerance);
    const before = slow[id];
    if (before !== undefined && second - before.since < RENEWED_EVERY_SECONDS) return [[id, before] as const];
    const found = slowLimit(look.rows, stable, second, { quantile, tolerance });
    const next = found === null ? before : { ...found, since: second };
    return next === undefined ? [] : [[id, next] as const];
  });
  return Object.fromEntries(now);
}
