import { type Guard, QUANTILES } from "../../plan/guard.ts";
import type { SecondRow } from "../../observation.ts";
import { SECOND } from "../../time/time.ts";
import { COHORT_GROUPS, counterOf } from "../../traffic/counting.ts";
import { rateAtOdds, ratesBeyond } from "../statistics/alternatives.ts";
import { added, type CountedSecond, gainsOf, NOTHING_COUNTED } from "./counted-second.ts";
import { type CohortCounts, temperingOf } from "../statistics/dispersion.ts";
import { type EProcess, freshEProcess, grow, limitGains, ODDS_RATIOS } from "../statistics/e-process.ts";
import { type GuardEvidence, NO_EVIDENCE } from "./gathered.ts";
import type { Look } from "../look.ts";
import { type Tolerated, toleratedBy } from "./past.ts";
import { countedOf, type SecondOfBoth, trialsOf } from "./seconds.ts";
import { shownGoodEnough } from "./good-enough.ts";
import { RENEWED_EVERY_SECONDS, slowLimit } from "./slow-limit.ts";
import { together } from "./strata.ts";
import {
  comparesInTrouble,
  evidenceKey,
  EXCLUDED_RATIO,
  factorOf,
  factorsOf,
  isRateCompared,
  limitRate,
  tested,
  type TestedLimit,
  toleranceOf,
  USUAL_FACTOR,
  USUAL_MARGIN,
} from "./tested-limits.ts";
import { AS_USUAL, isStableInTrouble, type TroubleOfBoth, watchTrouble } from "./trouble.ts";

/** The evidence on a guard with one second more. */
export function countSecond(guard: Guard, before: GuardEvidence, both: SecondOfBoth, look: Look): GuardEvidence {
  const slow = slowNow(guard, before, both.second, look);
  const counted = Object.fromEntries(
    comparedNow(guard, before, look).map((factor) => {
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
  const { trouble: _, beside: __, ...others } = before;
  const grown = grownAgainst(guard, before, { both, closed }, look);
  const mine = counter === null ? undefined : both.candidate?.counted?.[counter];
  const besides = counter === null ? undefined : both.stable?.counted?.[counter];
  const tellsVisitorsApart = QUANTILES[guard.metric] === undefined && (mine ?? besides) !== undefined;
  const theirs = counter === null ? undefined : both.stable?.cohorts?.[counter];
  return {
    ...others,
    ...grown,
    shown: isStableInTrouble(guard, grown, look)
      ? NO_EVIDENCE.shown
      : shownGoodEnough(guard, before, {
          compared: ofCounter(closed),
          ofSecond: ofCounter(counted),
          candidate: both.candidate,
        }),
    ...(tellsVisitorsApart ? { once: added(before.once ?? NOTHING_COUNTED, ofCounter(counted)) } : {}),
    failing: mine === undefined ? before.failing : (before.failing ?? 0) + mine.newlyBad,
    groups: theirs === undefined ? before.groups : withCohorts(before.groups, theirs),
    open,
    slow,
  };
}

/** The factors of what is compared; none while there is no twin to compare with. */
function comparedNow(guard: Guard, before: GuardEvidence, look: Look): readonly number[] {
  const { twin } = look;
  if (twin !== undefined && twin.notReady !== null) return [];
  return comparesInTrouble(guard) && isStableInTrouble(guard, before, look) ? [USUAL_FACTOR] : factorsOf(guard);
}

/** By counter. */
type Counted = Readonly<Record<string, CountedSecond>>;

/** What speaks against the candidate, limit by limit, and against stable by the limits that it can break too. */
function grownAgainst(
  guard: Guard,
  before: GuardEvidence,
  { both, closed }: { readonly both: SecondOfBoth; readonly closed: Counted },
  look: Look,
): Pick<GuardEvidence, "against" | "trouble" | "beside"> {
  // A bake goes on for as long as people like, and what breaks late in it must be found as well.
  const plannedSeconds = look.switched === undefined ? look.plannedMs / SECOND : Number.POSITIVE_INFINITY;
  // By what was known before this second: evidence must not be tempered by itself.
  const tempering = temperingOf(before.groups);
  const against: Record<string, EProcess> = { ...before.against };
  const trouble: Record<string, TroubleOfBoth> = {};
  const add = (key: string, gains: readonly number[]): void => {
    against[key] = grow(against[key] ?? freshEProcess(), gains, plannedSeconds);
  };
  const addOwn = (one: TestedLimit, tolerated: Tolerated, isAlsoOfStable: boolean): void => {
    const key = evidenceKey(one, look);
    const known = before.trouble?.[key];
    const now = isAlsoOfStable ? troubleOf(guard, known, both, tolerated) : null;
    if (now !== null) trouble[key] = now;
    // What both went through says nothing of the candidate.
    if (now !== null && (now.stable.isOn ? one.level === "rollback" : known?.stable.isOn === true)) delete against[key];
    else add(key, gainsBeyond(guard, both.candidate, tolerated));
  };
  for (const one of tested(guard)) {
    const { limit } = one;
    if (limit.kind === "relative") {
      const tolerance = toleranceOf(guard, limit.factor);
      const compared = closed[counterOf(guard, limit.factor)] ?? NOTHING_COUNTED;
      add(evidenceKey(one, look), gainsOf(compared, { grid: ODDS_RATIOS, tolerance, tempering }));
    } else if (limit.kind === "before") {
      const tolerated = before.past?.days === limit.days ? toleratedBy(before.past, limit.factor) : null;
      // Where stable serves beside, it may be worse than on the other day too.
      if (tolerated !== null && tolerated.rate < 1) addOwn(one, tolerated, limit.days !== undefined);
    } else addOwn(one, { rate: limitRate(guard, limit.value), limitMs: limit.value }, true);
  }
  const usual = rateOfTrouble(guard, before, look);
  if (usual !== null)
    trouble[AS_USUAL] = troubleOf(guard, before.trouble?.[AS_USUAL], both, { rate: usual, limitMs: null });
  if (!comparesInTrouble(guard) || !Object.values(trouble).some(({ stable }) => stable.isOn))
    return { against, trouble };
  const compared = closed[counterOf(guard, USUAL_FACTOR)] ?? NOTHING_COUNTED;
  const gains = gainsOf(compared, { grid: ODDS_RATIOS, tolerance: USUAL_FACTOR, tempering });
  return { against, trouble, beside: grow(before.beside ?? freshEProcess(), gains, Number.POSITIVE_INFINITY) };
}

/** Beyond which stable is in trouble, of a guard that has no limit of its own; null: nobody knows what is usual. */
function rateOfTrouble(guard: Guard, { usual }: GuardEvidence, { switched }: Look): number | null {
  if (usual === null || usual === undefined || switched !== undefined || !isRateCompared(guard)) return null;
  return rateAtOdds(Math.max(USUAL_MARGIN, usual), EXCLUDED_RATIO);
}

function troubleOf(
  { metric }: Guard,
  before: TroubleOfBoth | undefined,
  { candidate, stable }: SecondOfBoth,
  { rate, limitMs }: Tolerated,
): TroubleOfBoth {
  return {
    candidate: watchTrouble(before?.candidate, trialsOf(metric, candidate, limitMs), rate),
    stable: watchTrouble(before?.stable, trialsOf(metric, stable, limitMs), rate),
  };
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
