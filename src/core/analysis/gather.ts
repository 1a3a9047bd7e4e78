import { type Guard, type GuardId, guardId, isOfProcesses, QUANTILES } from "../plan/guard.ts";
import { SECOND } from "../time/time.ts";
import { ratesBeyond, ratesWithin, WITHIN } from "./alternatives.ts";
import { type Burnt, burntSince } from "./budget.ts";
import { type CountedSecond, gainsOf, NOTHING_COUNTED } from "./counted-second.ts";
import type { SecondRow } from "../observation.ts";
import { COHORT_GROUPS, counterOf } from "../traffic/counting.ts";
import { type CohortCounts, temperingOf } from "./dispersion.ts";
import type { LookCounts } from "./counted-looks.ts";
import { countProbes, NOTHING_PROBED, type ProbeEvidence, probesOfNextStep } from "./probes.ts";
import { type EProcess, freshEProcess, grow, limitGains, ODDS_RATIOS } from "./e-process.ts";
import type { Gauges } from "./gauge-blocks.ts";
import type { Look } from "./look.ts";
import type { VisitorShift } from "./visitor-shift.ts";
import {
  EXCLUDED_RATIO,
  evidenceKey,
  factorOf,
  factorsOf,
  limitRate,
  marginOf,
  OF_ALL_TRAFFIC,
  tailToExclude,
  tested,
  toleranceOf,
} from "./tested-limits.ts";
import { beforeSwitch, excludedBy, type Past, toleratedBy } from "./past.ts";
import { NO_OPEN_STRATA, type OpenStrata, together } from "./strata.ts";
import { lookOf } from "./views.ts";
import { countedOf, type SecondOfBoth, secondsOfBoth, trialsOf } from "./seconds.ts";
import { RENEWED_EVERY_SECONDS, slowLimit, type SlowLimit } from "./slow-limit.ts";

/** Evidence on all guards of a release. */
export interface Gathered {
  /** The newest second that was counted; null: none of this step yet. */
  readonly upTo: number | null;
  /** Different visitors whom the candidate has served in this release; null: the data plane can't tell them apart. */
  readonly visitors: number | null;
  /** What each moment said of visitors' own speeds, oldest first (visitor-shift.ts). */
  readonly shifts: readonly VisitorShift[];
  /** By guard (guardId in core/plan/guard.ts). */
  readonly guards: Readonly<Record<GuardId, GuardEvidence>>;
  /** Looks of this step in which a plain limit was broken, where the plan limits how many there may be. Absent: none. */
  readonly brokenLooks?: LookCounts;
  /** Of this step. Absent in what an older Tidegate kept. */
  readonly gauges?: Gauges;
  /** Absent: the plan has no probes. */
  readonly probed?: ProbeEvidence;
}

/** Evidence on one guard. */
export interface GuardEvidence {
  /** Against the candidate, by level and place of the limit (`rollback:0`): one budget from the first share to the last. */
  readonly against: Readonly<Record<string, EProcess>>;
  /** The same absolute limits on stable's figures: an incident of the environment breaks them too. */
  readonly onStable: Readonly<Record<string, EProcess>>;
  /** That the candidate is good enough, in this step. */
  readonly shown: { readonly byRate: EProcess; readonly byRatio: EProcess };
  /** Different visitors with a bad request on the candidate in this release; null: not known. */
  readonly failing: number | null;
  /** Requests of stable and bad ones among them, by group of cohorts. */
  readonly groups: CohortCounts;
  /** Seconds that wait until there is enough to compare at once. */
  readonly open: OpenStrata;
  /** What counts as slow now, and since when: by counter, one for each factor. */
  readonly slow: Readonly<Record<string, SlowLimit & { readonly since: number }>>;
  /** What stable did before the candidate got all traffic. Absent: it has not, or nothing is known of it. */
  readonly past?: Past;
  /** Of a guard with an objective, while the candidate has all traffic: absent otherwise. */
  readonly burnt?: Burnt;
}

/** Where a release begins. */
export const NOTHING_GATHERED: Gathered = { upTo: null, visitors: null, shifts: [], guards: {} };

/** Another step begins: what speaks against the candidate stays, that it is good enough is to be shown anew. */
export function forNextStep({ guards, visitors, shifts, probed }: Gathered): Gathered {
  const kept = Object.entries(guards).map(([id, evidence]) => {
    const { shown, open, slow } = NO_EVIDENCE;
    const lasting = Object.entries(evidence.against).filter(([key]) => !key.startsWith(OF_ALL_TRAFFIC));
    return [id, { ...evidence, against: Object.fromEntries(lasting), shown, open, slow }];
  });
  return {
    upTo: null,
    visitors,
    shifts,
    guards: Object.fromEntries(kept),
    ...(probed === undefined ? {} : { probed: probesOfNextStep(probed) }),
  };
}

/** Counts what has come since the last look. */
export function gather(before: Gathered, look: Look): Gathered {
  const now = gatherSeconds(before, look);
  return look.probes === undefined ? now : { ...now, probed: countProbes(before.probed ?? NOTHING_PROBED, look) };
}

/** The seconds that have closed. A second that is missing on either side compares nothing. */
function gatherSeconds(before: Gathered, look: Look): Gathered {
  const from = Math.max(look.fromSecond, (before.upTo ?? Number.NEGATIVE_INFINITY) + 1);
  if (look.sourceDown !== null || from > look.toSecond) return before;
  const guards: Record<GuardId, GuardEvidence> = { ...before.guards };
  const seconds = secondsOfBoth(look.rows, look, from, look.toSecond);
  const newest = seconds.at(-1)?.second ?? null;
  for (const guard of look.guards) {
    if (isOfProcesses(guard.metric)) continue;
    let mine = guards[guardId(guard)] ?? NO_EVIDENCE;
    const view = lookOf(guard, look);
    const begin = Math.max(from, view.fromSecond);
    if (begin > look.toSecond) continue;
    const looked =
      view.rows === look.rows
        ? seconds.filter(({ second }) => second >= begin)
        : secondsOfBoth(view.rows, look, begin, look.toSecond);
    mine = withPast(guard, mine, view);
    for (const both of looked) mine = { ...mine, ...count(guard, mine, both, view) };
    guards[guardId(guard)] =
      guard.slo === undefined
        ? mine
        : { ...mine, burnt: burntSince(mine.burnt, guard, looked, { from: begin, to: look.toSecond }) };
  }
  const shifts = seconds.flatMap(({ candidate }) => (candidate?.visitors === undefined ? [] : [candidate.visitors]));
  return {
    ...before,
    upTo: newest ?? before.upTo,
    visitors: visitorsIn(seconds, before.visitors),
    shifts: [...before.shifts, ...shifts],
    guards,
  };
}

/** What stable did before the switch is taken once: nothing that comes later changes what the candidate is held against. */
function withPast(guard: Guard, mine: GuardEvidence, look: Look): GuardEvidence {
  if (mine.past !== undefined || look.switched === undefined) return mine;
  const past = beforeSwitch(guard, look, look.switched);
  return past === null ? mine : { ...mine, past };
}

function visitorsIn(seconds: readonly SecondOfBoth[], before: number | null): number | null {
  return seconds.reduce<number | null>((sum, { candidate }) => {
    const more = candidate?.newVisitors;
    return more === undefined ? sum : (sum ?? 0) + more;
  }, before);
}

/** On a guard of which nothing was counted yet. */
export const NO_EVIDENCE: GuardEvidence = {
  against: {},
  onStable: {},
  shown: { byRate: unproven(), byRatio: unproven() },
  failing: null,
  groups: [],
  open: NO_OPEN_STRATA,
  slow: {},
};

/** Without a reserve: what is healthy is so from the beginning. */
function unproven(): EProcess {
  return { logStakes: WITHIN.map(() => 0), reserve: 0, seconds: 0 };
}

function count(guard: Guard, before: GuardEvidence, both: SecondOfBoth, look: Look): GuardEvidence {
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

/** Grows the evidence that the candidate's rate is below what must be excluded, and that its odds ratio is. */
function show(
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
