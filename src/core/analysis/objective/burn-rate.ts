import { type Figures, type Guard, guardLabel, type GuardLevel, namedAs, type Verdict } from "../../plan/guard.ts";
import { type Duration, formatDuration, HOUR, MINUTE, SECOND } from "../../time/time.ts";
import { type Burnt, MINUTES, TEN_MINUTES } from "./budget.ts";
import { formatCount, formatFigure, formatPercent } from "../figures.ts";
import type { Look } from "../look.ts";
import { type Span, type Spans, type SpanSize, sumOf } from "./spans.ts";
import { isLatency, limitRate } from "../evidence/tested-limits.ts";

/**
 * An objective's budget (0.1 % of the requests may fail) and how many times as fast as it allows it burns. A long window says that
 * it matters, a short one that it still goes on. Source: Google, "The Site Reliability Workbook", chapter 5: at 14.4 times an hour
 * takes 2 % of a month's budget, at 6 times six hours take 5 %.
 */
interface Pace {
  readonly level: GuardLevel;
  readonly times: number;
  readonly long: Duration;
  readonly short: Duration;
}

const FAST: Pace = { level: "rollback", times: 14.4, long: HOUR, short: 5 * MINUTE };
const SLOW: Pace = { level: "hold", times: 6, long: 6 * HOUR, short: 30 * MINUTE };

/** The pace at which a budget is burnt so fast that the release goes back. */
export const FASTEST_BURN = FAST.times;

/** The pace at which it is held. */
export const HOLDING_BURN = SLOW.times;

/** Bad requests in the long window, below which nothing burns: one failure among five requests of a night is no incident. */
const LEAST_BAD = 10;

type Objective = Guard & { readonly slo: number };

/** What a guard with an objective says of a candidate that has all traffic. */
export function verdictByBurnRate(
  guard: Objective,
  burnt: Burnt | undefined,
  { sourceDown }: Pick<Look, "sourceDown">,
): Verdict {
  const label = guardLabel(guard);
  const budget = limitRate(guard, guard.slo);
  const paces = [FAST, SLOW].map((pace) => measured(pace, burnt, budget));
  const [fast] = paces;
  const say = (
    verdict: Verdict["verdict"],
    sentence: string,
    told: Measured | undefined,
    level?: GuardLevel,
  ): Verdict => ({
    ...namedAs(guard),
    verdict,
    sentence,
    figures: figures(guard, told),
    ...(level === undefined ? {} : { level }),
  });
  if (sourceDown !== null) return say("source-down", `${label} unknown: ${sourceDown}`, fast);
  if (burnt === undefined || fast === undefined || fast.ofLong[0] === 0)
    return say("no-data", `${label} unknown: ${nobodyCame(fast)}`, fast);
  const burning = paces.find(({ isLong, isShort }) => isLong && isShort);
  if (burning !== undefined) return say("fail", sentenceOf(guard, burning), burning, burning.pace.level);
  const over = paces.find(({ isLong }) => isLong);
  if (over !== undefined)
    return say("inconclusive", `${sentenceOf(guard, over)}; it has stopped, and the budget is not yet as before`, over);
  const needed = Math.ceil(LEAST_BAD / (FAST.times * budget));
  const sentence = sentenceOf(guard, fast);
  return burnt.requests >= needed
    ? say("pass", sentence, fast)
    : say("inconclusive", `${sentence}; n = ${formatCount(burnt.requests)} of ${formatCount(needed)} needed`, fast);
}

interface Measured {
  readonly pace: Pace;
  readonly ofLong: Span;
  readonly longTimes: number;
  readonly shortTimes: number;
  /** It burns as fast over the long window, with bad requests enough. */
  readonly isLong: boolean;
  readonly isShort: boolean;
}

function measured(pace: Pace, burnt: Burnt | undefined, budget: number): Measured {
  const ofLong = window(burnt, pace.long);
  const longTimes = timesOf(ofLong, budget);
  const shortTimes = timesOf(window(burnt, pace.short), budget);
  return {
    pace,
    ofLong,
    longTimes,
    shortTimes,
    isLong: longTimes >= pace.times && ofLong[1] >= LEAST_BAD,
    isShort: shortTimes >= pace.times,
  };
}

/** By minutes as far as they go. The newest span has only begun, so a window is that much shorter. */
function window(burnt: Burnt | undefined, length: Duration): Span {
  const sum = (spans: Spans | null | undefined, { seconds }: SpanSize): Span =>
    spans === null || spans === undefined ? [0, 0, 0] : sumOf(spans, length / SECOND / seconds);
  return length <= MINUTES.count * MINUTES.seconds * SECOND
    ? sum(burnt?.byMinute, MINUTES)
    : sum(burnt?.byTenMinutes, TEN_MINUTES);
}

function timesOf([requests, bad]: Span, budget: number): number {
  return requests === 0 ? 0 : bad / requests / budget;
}

/** "errors: the budget of 0.1% burns 22x over 1h (264/12 000) and 35x over 5m, limit 14.4x" */
function sentenceOf(guard: Objective, { pace, ofLong, longTimes, shortTimes }: Measured): string {
  const [n, bad, watched] = ofLong;
  const isWhole = watched * SECOND >= pace.long - (pace.long > HOUR ? TEN_MINUTES : MINUTES).seconds * SECOND;
  const long = isWhole ? formatDuration(pace.long) : `${known(watched)} of ${formatDuration(pace.long)}`;
  const short = watched * SECOND <= pace.short ? "" : ` and ${times(shortTimes)} over ${formatDuration(pace.short)}`;
  return `${guardLabel(guard)}: the budget of ${budgetInWords(guard)} burns ${times(longTimes)} over ${long} (${formatCount(bad)}/${formatCount(n)})${short}, limit ${pace.times}x`;
}

function known(watchedSeconds: number): string {
  const whole = watchedSeconds >= 60 ? Math.floor(watchedSeconds / 60) * 60 : watchedSeconds;
  return `the ${formatDuration(whole * SECOND)} known`;
}

function times(value: number): string {
  return `${value < 10 ? Number(value.toFixed(1)) : formatCount(value)}x`;
}

function budgetInWords(guard: Objective): string {
  const part = formatPercent(Number(limitRate(guard, guard.slo).toPrecision(6)));
  return isLatency(guard) ? `${part} above ${formatFigure(guard, guard.slo)}` : part;
}

function nobodyCame(fast: Measured | undefined): string {
  const watched = fast?.ofLong[2] ?? 0;
  return watched === 0
    ? "nothing is counted yet"
    : `no requests on the candidate for ${formatDuration(watched * SECOND)}`;
}

/** Of the long window. How long the requests of an hour took is not kept, only how many took too long. */
function figures(guard: Objective, told: Measured | undefined): Figures {
  const [n, k, watched] = told?.ofLong ?? [0, 0, 0];
  const ofRate = (metric: string): number => (metric === "availability" ? 1 - k / n : k / n);
  return {
    candidate: n === 0 || isLatency(guard) ? null : ofRate(guard.metric),
    stable: null,
    limit: guard.slo,
    n,
    nStable: 0,
    k,
    windowMs: Math.min(told?.pace.long ?? 0, watched * SECOND),
  };
}
