import { type Guard, type GuardId, guardId, isActedOn } from "../../plan/guard.ts";
import type { Duration } from "../../time/time.ts";
import { ratesWithin, WITHIN } from "../statistics/alternatives.ts";
import { SHOWN } from "./bounds.ts";
import { firstSecondOf } from "../delay.ts";
import {
  comparisonGains,
  type EProcess,
  freshEProcess,
  grow,
  limitGains,
  logEvidence,
  ODDS_RATIOS,
  UNPROVEN,
} from "../statistics/e-process.ts";
import { comparedName, formatCount } from "../figures.ts";
import type { Look } from "../look.ts";
import { LATENCY_RESOLUTION_MS } from "./slow-limit.ts";
import { acting, EXCLUDED_RATIO, factorOf, isLatency, marginOf, rateToExclude, toleranceOf } from "./tested-limits.ts";

/** Smoke flows told to both versions at the same time. */
export interface ProbeRound {
  /** The second in which the later of the two had ended, as in the rows. */
  readonly second: number;
  readonly pairs: readonly ProbePair[];
}

/** One flow on each version. */
export interface ProbePair {
  readonly candidate: ProbeOutcome;
  readonly stable: ProbeOutcome;
}

/** Of one flow on one version. */
export interface ProbeOutcome {
  readonly passed: boolean;
  readonly tookMs: Duration;
}

/** What probes have said, apart from what users saw: they are not drawn like users, so the two must not be counted together. */
export interface ProbeEvidence {
  /** The newest second that was counted; null: none of this step yet. */
  readonly upTo: number | null;
  readonly guards: Readonly<Record<GuardId, ProbedGuard>>;
}

/** Of one guard. */
export interface ProbedGuard {
  /** Flows in this step that both versions were told, and on how many the one was worse and the other not. */
  readonly n: number;
  readonly worse: number;
  readonly better: number;
  /** That the candidate is worse, from the first share to the last. */
  readonly against: EProcess;
  /** That the candidate is good enough, in this step. */
  readonly shown: EProcess;
  /**
   * The same of a latency that is only compared, by the pairs in which one was slower: where answers take now so, now so, an equal
   * version is the slower one as often as not. Absent in what an older Tidegate kept.
   */
  readonly shownByPairs?: EProcess;
}

/** Nothing was probed yet. */
export const NOTHING_PROBED: ProbeEvidence = { upTo: null, guards: {} };

/** Another step begins. */
export function probesOfNextStep({ guards }: ProbeEvidence): ProbeEvidence {
  const kept = Object.entries(guards).map(([id, { against }]) => [id, { ...UNPROBED, against }]);
  return { upTo: null, guards: Object.fromEntries(kept) as ProbeEvidence["guards"] };
}

/** Counts the rounds that have ended since the last look. */
export function countProbes(before: ProbeEvidence, look: Look): ProbeEvidence {
  const { probes } = look;
  if (probes === undefined) return before;
  const isNew = ({ second }: ProbeRound, from: number): boolean =>
    second >= from && second <= look.toSecond && second > (before.upTo ?? Number.NEGATIVE_INFINITY);
  const guards: Record<GuardId, ProbedGuard> = { ...before.guards };
  for (const guard of look.guards) {
    if (!isProbed(guard)) continue;
    const fromSecond = firstSecondOf(guard, look);
    const rounds = probes.rounds.filter((round) => isNew(round, fromSecond));
    guards[guardId(guard)] = rounds.reduce(
      (now, round) => counted(now, round, guard, look.plannedMs / probes.everyMs),
      guards[guardId(guard)] ?? UNPROBED,
    );
  }
  const newest = probes.rounds.findLast((round) => isNew(round, look.fromSecond));
  return { upTo: newest?.second ?? before.upTo, guards };
}

/** What probes said of this step, in words; null: there were none. */
export function probesInWords(guard: Guard, probed: ProbedGuard | undefined, look: Look): string | null {
  if (probed === undefined || probed.n === 0) return null;
  const [worse, better] = isLatency(guard)
    ? [`${formatCount(probed.worse)} slower`, `${formatCount(probed.better)} faster than ${comparedName(look)}'s`]
    : [
        `${formatCount(probed.worse)} failed on the candidate alone`,
        `${formatCount(probed.better)} on ${comparedName(look)} alone`,
      ];
  return `of ${formatCount(probed.n)} probes ${worse}, ${better}`;
}

/** Flows that fail, and the time that they take: of the whole app, and so nothing of a guard on a part of it. */
export function isProbed(guard: Guard): boolean {
  return (
    guard.feature === undefined &&
    isActedOn(guard) &&
    acting(guard).length > 0 &&
    (guard.metric === "errors" || isLatency(guard))
  );
}

const UNPROBED: ProbedGuard = {
  n: 0,
  worse: 0,
  better: 0,
  against: freshEProcess(),
  shown: UNPROVEN,
};

function counted(before: ProbedGuard, { pairs }: ProbeRound, guard: Guard, plannedRounds: number): ProbedGuard {
  const factor = factorOf(guard) ?? 1;
  const compared = pairs.map((pair) => (isLatency(guard) ? byTime(pair, factor) : byOutcome(pair)));
  const worse = compared.filter((one) => one === "worse").length;
  const better = compared.filter((one) => one === "better").length;
  const bets = { grid: ODDS_RATIOS, tolerance: toleranceOf(guard, factor), tempering: 1 };
  // Each pair is compared by itself: flows differ in how often they fail. Where both are alike it tells nothing.
  const [ifWorse, ifBetter] = [1, 0].map((bad) => comparisonGains({ a: 1, b: 1, events: 1 }, bad, bets));
  const gains = ODDS_RATIOS.map((_, index) => worse * (ifWorse?.[index] ?? 0) + better * (ifBetter?.[index] ?? 0));
  return {
    n: before.n + pairs.length,
    worse: before.worse + worse,
    better: before.better + better,
    against: grow(before.against, gains, plannedRounds),
    shown: show(before.shown, pairs, guard, worse),
    ...(isLatency(guard) && marginOf(guard) === null
      ? { shownByPairs: showByPairs(before.shownByPairs ?? UNPROVEN, { worse, better }, bets.tolerance) }
      : {}),
  };
}

/** That the candidate is not the slower one at twice the odds that are tolerated. */
function showByPairs(
  before: EProcess,
  { worse, better }: { readonly worse: number; readonly better: number },
  tolerated: number,
): EProcess {
  const bets = { grid: WITHIN, tolerance: EXCLUDED_RATIO * tolerated, tempering: 1 };
  const [ifWorse, ifBetter] = [1, 0].map((bad) => comparisonGains({ a: 1, b: 1, events: 1 }, bad, bets));
  return grow(
    before,
    WITHIN.map((_, index) => worse * (ifWorse?.[index] ?? 0) + better * (ifBetter?.[index] ?? 0)),
    1,
  );
}

/** Whether probes have shown that the candidate is good enough. */
export function isShownByProbes({ shown, shownByPairs }: ProbedGuard): boolean {
  return logEvidence(shown) >= SHOWN || (shownByPairs !== undefined && logEvidence(shownByPairs) >= SHOWN);
}

function show(before: EProcess, pairs: readonly ProbePair[], guard: Guard, slower: number): EProcess {
  const margin = marginOf(guard);
  const rate = rateToExclude(guard);
  if (rate === null) return before;
  const isBad = ({ candidate: { passed, tookMs } }: ProbePair): boolean =>
    !passed || (margin !== null && margin.limitMs !== null && tookMs > margin.limitMs);
  const bad = isLatency(guard) && margin === null ? slower : pairs.filter(isBad).length;
  return grow(before, limitGains(pairs.length, bad, rate, ratesWithin(rate)), 1);
}

type Compared = "worse" | "better" | "alike";

function byOutcome({ candidate, stable }: ProbePair): Compared {
  if (candidate.passed === stable.passed) return "alike";
  return candidate.passed ? "better" : "worse";
}

/** The candidate may take `factor` times as long. How long a flow takes that did not get to its end says nothing. */
function byTime({ candidate, stable }: ProbePair, factor: number): Compared {
  const difference = candidate.tookMs / factor - stable.tookMs;
  if (!candidate.passed || !stable.passed || Math.abs(difference) <= LATENCY_RESOLUTION_MS) return "alike";
  return difference > 0 ? "worse" : "better";
}
