import {
  type Figures,
  type Guard,
  GUARD_LEVELS,
  guardId,
  guardLabel,
  type GuardLevel,
  type Limit,
  METRICS,
  namedAs,
  type Verdict,
} from "../plan/guard.ts";
import { MINUTE, SECOND } from "../time/time.ts";
import { BESIDE, BROKEN, LEAST_FAILING_VISITORS, LEAST_VISITORS, SHOWN, TOLD } from "./bounds.ts";
import { type EProcess, logEvidence } from "./e-process.ts";
import { formatCount, formatLimit, formatPercent, guardSentence } from "./figures.ts";
import { ratesWithin } from "./alternatives.ts";
import { type Gathered, type GuardEvidence, NO_EVIDENCE } from "./gathered.ts";
import { type ProbedGuard, probesInWords } from "./probes.ts";
import type { Look } from "./look.ts";
import { excludedBy, LEAST_PAST, type Past } from "./past.ts";
import { nothingSeen } from "./plain-limits.ts";
import { acting, comparesAlone, evidenceKey, factorBefore, marginOf, tailToExclude, tested } from "./tested-limits.ts";
import { comparesLatencyAlone, type Total } from "./total.ts";
import type { StepSums } from "./step-sums.ts";
import type { View } from "./views.ts";
import { NOTHING_SUMMED, type Seen } from "./window.ts";
import { figuresOf, firstLimit } from "./window-figures.ts";

/** What a guard says whose limits are tested with all that was gathered so far. */
export function verdictByEvidence(guard: Guard, gathered: Gathered, view: View, total: Total): Verdict {
  const { look, step } = view;
  const mine = gathered.guards[guardId(guard)] ?? NO_EVIDENCE;
  const probed = gathered.probed?.guards[guardId(guard)];
  const byProbes = probesInWords(guard, probed);
  const figures = heldAgainst(guard, mine.past, look, figuresOf(guard, look, seenInStep(step, look)));
  const say = (verdict: Verdict["verdict"], sentence: string, more: Partial<Verdict> = {}): Verdict => ({
    ...namedAs(guard),
    verdict,
    sentence,
    figures,
    ...more,
  });
  const label = guardLabel(guard);
  if (look.sourceDown !== null) return say("source-down", `${label} unknown: ${look.sourceDown}`);
  const isSeen = figures.n > 0 && figures.candidate !== null;
  if (!isSeen && byProbes === null) return say("no-data", `${label} unknown: ${nothingSeen(guard, figures)}`);
  const withProbes = byProbes === null ? "" : `; ${byProbes}`;
  const broken = worstBroken(guard, mine, probed, look, total);
  if (broken !== null) {
    const telling = { ...mostTelling(guard, mine, view, figures), evidence: rounded(broken.log) };
    const sentence = `${guardSentence(guard, telling, broken.limit)}${ofSpeeds(guard, gathered)}${withProbes}`;
    return say("fail", sentence, { level: broken.level, figures: telling });
  }
  const seen = isSeen ? guardSentence(guard, figures, firstLimit(guard)) : `${label}: ${nothingSeen(guard, figures)}`;
  const sentence = `${seen}${withProbes}`;
  const against = strongestAgainst(guard, mine, look, total);
  if (against >= TOLD) return say("inconclusive", `${sentence}; it looks worse, ${whyNotYet(mine, against, look)}`);
  const isShownByProbes = probed !== undefined && logEvidence(probed.shown) >= SHOWN;
  const missing =
    pastMissing(guard, mine) ??
    (isShownByProbes ? null : (notShown(guard, mine, probed, look, figures.n) ?? fewVisitors(guard, gathered)));
  return missing === null ? say("pass", sentence) : say("inconclusive", `${sentence}; ${missing}`);
}

/** Whether stable breaks the same absolute limits of a rollback. */
export function isBrokenOnStable(guard: Guard, evidence: GuardEvidence | undefined): boolean {
  const absolute = tested(guard).filter(({ level, limit }) => level === "rollback" && limit.kind === "absolute");
  const { onStable = {} } = evidence ?? {};
  return absolute.length > 0 && absolute.every(({ key }) => logOf(onStable[key]) >= BROKEN);
}

function whyNotYet({ failing }: GuardEvidence, against: number, { alpha }: Look): string {
  const enough = 1 / alpha;
  return against >= Math.log(enough) && failing !== null && failing < LEAST_FAILING_VISITORS
    ? `but only ${failing} of ${LEAST_FAILING_VISITORS} different visitors have seen it`
    : `evidence ${formatCount(rounded(against))} (acts at ${formatCount(enough)})`;
}

/** What visitors' own speeds say, where they say something. */
function ofSpeeds(guard: Guard, { shifts }: Gathered): string {
  const newest = shifts.at(-1);
  if (newest === undefined || newest.slower === null || newest.logEvidence < BESIDE || !comparesLatencyAlone(guard))
    return "";
  return `; each of ${formatCount(newest.candidates)} visitors waits ${newest.slower.toFixed(2)} times as long as before`;
}

interface Broken {
  readonly level: GuardLevel;
  readonly limit: Limit;
  /** ln of the evidence. */
  readonly log: number;
}

function worstBroken(
  guard: Guard,
  mine: GuardEvidence,
  probed: ProbedGuard | undefined,
  look: Look,
  total: Total,
): Broken | null {
  for (const level of GUARD_LEVELS) {
    const limits = tested(guard).filter((one) => one.level === level);
    const [first] = limits;
    if (first === undefined || limits.length !== guard.limits[level]?.length) continue;
    if (level === "rollback" && comparesAlone(guard)) {
      const bound = Math.log(1 / look.alpha);
      const { weight = 0 } = guard;
      const isByProbes = probed !== undefined && logEvidence(probed.against) + Math.log(weight) >= bound;
      const isOfEnough = mine.failing === null || mine.failing >= LEAST_FAILING_VISITORS || isByProbes;
      if (total.strongest === guardId(guard) && total.log >= bound && isOfEnough)
        return { level, limit: first.limit, log: total.log };
      continue;
    }
    const hasAbsolute = limits.some(({ limit }) => limit.kind === "absolute");
    const bound = level === "warn" ? TOLD : BROKEN;
    const isAsBad = isBrokenOnStable(guard, mine);
    const isBroken = limits.every((one) => {
      const { limit } = one;
      const log = logOf(mine.against[evidenceKey(one, look)]);
      if (limit.kind === "absolute" || !hasAbsolute) return log >= bound;
      // Where stable breaks the limit too, the environment does: that holds, and goes on to be told as such.
      return log >= BESIDE || (level === "rollback" && isAsBad);
    });
    // The first of a list is the one that people know by heart.
    if (isBroken) return { level, limit: first.limit, log: logOf(mine.against[evidenceKey(first, look)]) };
  }
  return null;
}

function strongestAgainst(guard: Guard, mine: GuardEvidence, look: Look, total: Total): number {
  const own = acting(guard)
    .filter(({ level, limit }) => limit.kind !== "relative" || level === "hold")
    .map((one) => logOf(mine.against[evidenceKey(one, look)]));
  const ofAll = comparesAlone(guard) && total.strongest === guardId(guard) ? [total.log] : [];
  return Math.max(Number.NEGATIVE_INFINITY, ...own, ...ofAll);
}

/** I4: held against a time of which nothing is known, nothing passes. */
function pastMissing(guard: Guard, { past }: GuardEvidence): string | null {
  if (factorBefore(guard) === null || (past !== undefined && past.n >= LEAST_PAST)) return null;
  return `to compare with, stable had n = ${formatCount(past?.n ?? 0)} of ${LEAST_PAST} needed in the quarter of an hour before the switch`;
}

/** What is not shown yet, in words; null: it is shown that the candidate is good enough, or nothing demands it. */
function notShown(
  guard: Guard,
  { shown, past }: GuardEvidence,
  probed: ProbedGuard | undefined,
  look: Look,
  n: number,
): string | null {
  // Of what only warns nothing need be shown, but something must be known.
  if (acting(guard).length === 0)
    return n >= guard.minRequests ? null : `n = ${formatCount(n)} of ${formatCount(guard.minRequests)} needed`;
  if (logEvidence(shown.byRate) >= SHOWN || logEvidence(shown.byRatio) >= SHOWN) return null;
  const excluded = excludedBy(guard, past);
  const margin = marginOf(guard) ?? excluded;
  const rate = margin?.rate ?? tailToExclude(guard);
  if (rate === null || look.stable === null) return "not yet enough to exclude that it is worse";
  const ofRequests = margin === excluded && excluded !== null ? shown.byRatio : shown.byRate;
  const requests = `${formatCount(goodUntilShown(ofRequests, rate))} more good requests`;
  const needed =
    probed === undefined
      ? requests
      : `${requests} or ${formatCount(goodUntilShown(probed.shown, rate))} more good probes`;
  const beyond =
    margin === null
      ? ` beyond stable's ${METRICS[guard.metric].label}`
      : margin.limitMs === null
        ? ""
        : ` slower than ${formatLimit(guard.metric, { kind: "absolute", value: margin.limitMs })}`;
  return `to exclude ${formatPercent(rate)}${beyond} it needs about ${needed}`;
}

function goodUntilShown({ logStakes }: EProcess, rate: number): number {
  const [best = 0] = ratesWithin(rate);
  const perGood = Math.log1p(-best) - Math.log1p(-rate);
  return Math.ceil((SHOWN + Math.log(logStakes.length) - Math.max(...logStakes)) / perGood);
}

/** A comparison of a few visitors is one of who they are. */
function fewVisitors(guard: Guard, { visitors }: Gathered): string | null {
  const compares = acting(guard).some(({ limit }) => limit.kind === "relative");
  if (!compares || visitors === null || visitors >= LEAST_VISITORS) return null;
  return `to compare it needs ${LEAST_VISITORS} different visitors, and ${visitors} came so far`;
}

/** Spans of the newest seconds in which a fault may show best, from short to long; the step itself is the last. */
const SPANS_MS = [10 * SECOND, MINUTE, 5 * MINUTE];

/** The span in which the candidate is worst beside what was to be expected of it: a fault that began late is not to be diluted. */
function mostTelling(guard: Guard, { past }: GuardEvidence, { look, windows }: View, ofStep: Figures): Figures {
  let best = ofStep;
  for (const span of SPANS_MS) {
    if (span >= ofStep.windowMs) continue;
    const figures = heldAgainst(guard, past, look, figuresOf(guard, look, windows(span)));
    if (howTelling(figures) > howTelling(best)) best = figures;
  }
  return best;
}

/** With stable's figures from before the switch, where the candidate has all traffic now. */
function heldAgainst(guard: Guard, past: Past | undefined, { switched }: Look, figures: Figures): Figures {
  if (past === undefined || switched === undefined) return figures;
  const { n, bad, ms, from, to } = past;
  const rate = guard.metric === "availability" ? 1 - bad / n : bad / n;
  return {
    ...figures,
    ...(ms === undefined ? { stable: rate, kStable: bad } : { stable: ms }),
    nStable: n,
    before: { from, to },
  };
}

/** Standard deviations by which bad requests are more than stable's rate would give; of a latency, its ratio by its count. */
function howTelling({ candidate, stable, n, k, nStable }: Figures): number {
  if (candidate === null || n === 0) return Number.NEGATIVE_INFINITY;
  if (k === undefined) return stable === null || stable === 0 ? 0 : Math.sqrt(n) * Math.log(candidate / stable);
  const base = stable === null || nStable === 0 ? 0 : Math.min(stable, 1 - stable);
  const expected = n * base;
  return (k - expected) / Math.sqrt(Math.max(0.5, expected));
}

function seenInStep(step: StepSums | null, { stable, fromSecond, toSecond }: Look): Seen {
  return {
    candidate: step?.candidate ?? NOTHING_SUMMED,
    stable: stable === null ? null : (step?.stable ?? NOTHING_SUMMED),
    windowMs: Math.max(0, toSecond - fromSecond + 1) * SECOND,
  };
}

function logOf(process: Parameters<typeof logEvidence>[0] | undefined): number {
  return process === undefined ? 0 : logEvidence(process);
}

const MOST = 1e9;

function rounded(log: number): number {
  const value = Math.min(MOST, Math.exp(log));
  return value < 100 ? Math.round(value * 10) / 10 : Math.floor(value);
}
