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
import { type Tolerated, toleratedBy } from "./past.ts";
import { countedOf, type SecondOfBoth, trialsOf } from "./seconds.ts";
import { shownGoodEnough } from "./good-enough.ts";
import { RENEWED_EVERY_SECONDS, slowLimit } from "./slow-limit.ts";
import { together } from "./strata.ts";
import { evidenceKey, factorOf, factorsOf, limitRate, tested, toleranceOf } from "./tested-limits.ts";

/** The evidence on a guard with one second more. */
export function countSecond(guard: Guard, before: GuardEvidence, both: SecondOfBoth, look: Look): GuardEvidence {
  const slow = slowNow(guard, before, both.second, look);
  const counted = Object.fromEntries(
    comparedNow(guard, look).map((factor) => {
      const id = counterOf(guard, factor);
      return [id, countedOf(guard.metric, both, { slow: slow[id] ?? null, counter: id })];
    }),
  );
  const { open, closed } = together(before.open, counted);
  // The one that acts tells who has failed, and what a step must exclude.
  const factor = factorOf(guard);
  const counter = factor === null ? null : counterOf(guard, factor);
  const ofCounter = (seconds: Counted): CountedSecond =>
    (counter === null ? undefined : seconds[counter]) ?? NOTHING_COUNTED;
  const mine = counter === null ? undefined : both.candidate?.counted?.[counter];
  const theirs = counter === null ? undefined : both.stable?.cohorts?.[counter];
  return {
    ...before,
    ...grownAgainst(guard, before, { both, closed }, look),
    shown: shownGoodEnough(guard, before, {
      compared: ofCounter(closed),
      ofSecond: ofCounter(counted),
      candidate: both.candidate,
    }),
    failing: mine === undefined ? before.failing : (before.failing ?? 0) + mine.newlyBad,
    groups: theirs === undefined ? before.groups : withCohorts(before.groups, theirs),
    open,
    slow,
  };
}

/** The factors of what is compared; none while there is no twin to compare with. */
function comparedNow(guard: Guard, { twin }: Look): readonly number[] {
  return twin === undefined || twin.notReady === null ? factorsOf(guard) : [];
}

/** By counter. */
type Counted = Readonly<Record<string, CountedSecond>>;

/** What speaks against the candidate, limit by limit, and against stable by the limits that it can break too. */
function grownAgainst(
  guard: Guard,
  before: GuardEvidence,
  { both, closed }: { readonly both: SecondOfBoth; readonly closed: Counted },
  look: Look,
): Pick<GuardEvidence, "against" | "onStable"> {
  // A bake goes on for as long as people like, and what breaks late in it must be found as well.
  const plannedSeconds = look.switched === undefined ? look.plannedMs / SECOND : Number.POSITIVE_INFINITY;
  // By what was known before this second: evidence must not be tempered by itself.
  const tempering = temperingOf(before.groups);
  const against: Record<string, EProcess> = { ...before.against };
  const onStable: Record<string, EProcess> = { ...before.onStable };
  const add = (to: Record<string, EProcess>, key: string, gains: readonly number[]): void => {
    to[key] = grow(to[key] ?? freshEProcess(), gains, plannedSeconds);
  };
  for (const one of tested(guard)) {
    const { limit } = one;
    const key = evidenceKey(one, look);
    if (limit.kind === "relative") {
      const tolerance = toleranceOf(guard, limit.factor);
      const compared = closed[counterOf(guard, limit.factor)] ?? NOTHING_COUNTED;
      add(against, key, gainsOf(compared, { grid: ODDS_RATIOS, tolerance, tempering }));
    } else if (limit.kind === "before") {
      const tolerated = before.past?.days === limit.days ? toleratedBy(before.past, limit.factor) : null;
      if (tolerated === null) continue;
      add(against, key, gainsBeyond(guard, both.candidate, tolerated));
      // Where stable serves beside, it may be worse than on the other day too.
      if (limit.days !== undefined) add(onStable, key, gainsBeyond(guard, both.stable, tolerated));
    } else {
      const tolerated = { rate: limitRate(guard, limit.value), limitMs: limit.value };
      add(against, key, gainsBeyond(guard, both.candidate, tolerated));
      add(onStable, key, gainsBeyond(guard, both.stable, tolerated));
    }
  }
  return { against, onStable };
}

function gainsBeyond({ metric }: Guard, row: SecondRow | null, { rate, limitMs }: Tolerated): readonly number[] {
  const { n, bad } = trialsOf(metric, row, limitMs);
  return limitGains(n, bad, rate, ratesBeyond(rate));
}

function withCohorts(groups: CohortCounts, more: NonNullable<SecondRow["cohorts"]>[string]): CohortCounts {
  return Array.from({ length: COHORT_GROUPS }, (_, group) => {
    const { n, bad } = groups[group] ?? { n: 0, bad: 0 };
    const [requests, failed] = more[group] ?? [0, 0];
    return { n: n + requests, bad: bad + failed };
  });
}

/** A comparison of latencies needs to know what stable takes, and to know it before the second begins. */
function slowNow(guard: Guard, { slow }: GuardEvidence, second: number, look: Look): GuardEvidence["slow"] {
  const quantile = QUANTILES[guard.metric];
  const { stable } = look;
  if (quantile === undefined || stable === null) return {};
  const now = factorsOf(guard).flatMap((tolerance) => {
    const id = counterOf(guard, tolerance);
    const before = slow[id];
    if (before !== undefined && second - before.since < RENEWED_EVERY_SECONDS) return [[id, before] as const];
    const found = slowLimit(look.rows, stable, second, { quantile, tolerance });
    const next = found === null ? before : { ...found, since: second };
    return next === undefined ? [] : [[id, next] as const];
  });
  return Object.fromEntries(now);
}
