import type { SecondRow } from "../../observation.ts";
import { type DaysBefore, type Guard, guardLabel, QUANTILES } from "../../plan/guard.ts";
import { DAY, formatDuration, type Instant, MINUTE, SECOND } from "../../time/time.ts";
import type { PastSums, PastTraffic } from "../../traffic/past-traffic.ts";
import { dayInWords, formatCount, inUtc } from "../figures.ts";
import { bucketOf, countedAbove, quantile } from "../histogram.ts";
import type { Look } from "../look.ts";
import { LEAST_PAST, type Past } from "./past.ts";
import type { Trials } from "./seconds.ts";
import { daysBeforeOf } from "./tested-limits.ts";

/** What the judge is told of other days. */
export interface Remembered {
  /** What the clock showed when second 0 began. */
  readonly secondZero: Instant;
  readonly spans: readonly PastTraffic[];
  /** Of all versions, whatever a guard looks at. */
  readonly load: Load;
  /** Why there are no more of them, as the end of a sentence; null: nothing is known to be wrong. */
  readonly missing: string | null;
}

/** What came in the newest seconds. */
export interface Load {
  readonly requests: number;
  readonly seconds: number;
}

/** Half an hour of the clock is held against the same half hour: long enough for a bound, short enough for one time of day. */
const BLOCK_MS = 30 * MINUTE;

/** What was counted in less of a span does not stand for it. */
const LEAST_PART = 0.5;

/** With so many times more traffic, or less, other times are not the same. */
const OTHER_LOAD = 4;
/** Today's load is that of so many seconds. */
const LOAD_SECONDS = 300;
/** Of fewer requests nobody can say that they are many more, or less. */
const LEAST_LOAD = 100;

/** The part of another day that a moment is held against. */
export function spanBefore(at: Instant, days: DaysBefore): { readonly from: Instant; readonly to: Instant } {
  const from = Math.floor(at / BLOCK_MS) * BLOCK_MS - days * DAY;
  return { from, to: from + BLOCK_MS };
}

/** All parts of other days that guards need for what happens from one moment to another, each once. */
export function spansBefore(
  guards: readonly Guard[],
  from: Instant,
  to: Instant,
): readonly { readonly from: Instant; readonly to: Instant }[] {
  const spans = new Map<Instant, { readonly from: Instant; readonly to: Instant }>();
  for (const days of new Set(guards.map(daysBeforeOf))) {
    if (days === null) continue;
    for (let at = from; at < to + BLOCK_MS; at += BLOCK_MS) {
      const span = spanBefore(Math.min(at, to), days);
      spans.set(span.from, span);
    }
  }
  return [...spans.values()];
}

/** With what it is held against in a second; its `past` has no requests where nothing can be. */
export function heldAgainstDayBefore(
  guard: Guard,
  before: Past | undefined,
  look: Look,
  second: number,
): Past | undefined {
  if (look.remembered === undefined) return before;
  const days = daysBeforeOf(guard);
  if (days === null) return before;
  const span = spanBefore(look.remembered.secondZero + second * SECOND, days);
  const known = before?.days === days ? before : undefined;
  // Two clocks make the seconds, and waver by one: what is over stays over.
  if (known !== undefined && known.from > span.from) return known;
  const nth = known === undefined ? 1 : known.from === span.from ? (known.nth ?? 1) : (known.nth ?? 1) + 1;
  const found = yardstick(guard, look, second);
  return { n: 0, bad: 0, ...(typeof found === "string" ? {} : found), ...span, days, nth };
}

/** Why a guard can't be held against another day now, as the end of a sentence; null: it can, or need not be. */
export function whyNotHeld(guard: Guard, look: Look): string | null {
  const days = daysBeforeOf(guard);
  if (days === null) return null;
  const found = yardstick(guard, look, look.toSecond);
  return typeof found === "string" ? `it can't be held against ${dayInWords(days)}: ${found}` : null;
}

/** What stable did then, or why that is not known. */
function yardstick(guard: Guard, look: Look, second: number): Pick<Past, "n" | "bad" | "ms"> | string {
  const { remembered } = look;
  const days = daysBeforeOf(guard);
  if (remembered === undefined || days === null) return "nothing is known of it yet";
  const span = spanBefore(remembered.secondZero + second * SECOND, days);
  const past = remembered.spans.find(({ from, to }) => from === span.from && to === span.to);
  if (past === undefined) return remembered.missing ?? "nothing is known of it yet";
  const found = pastOf(guard, past);
  return typeof found === "string" ? found : (otherLoad(past, remembered.load) ?? found);
}

/** What stable did in a span by the figures that a data plane has kept, or why that says nothing. */
export function pastOf(guard: Guard, past: PastTraffic): Pick<Past, "n" | "bad" | "ms"> | string {
  const when = inUtc(past);
  const asked = past.to - past.from;
  if (past.countedMs < asked * LEAST_PART)
    return past.countedMs === 0
      ? `the data plane has no figures of ${when} then`
      : `the data plane has figures of only ${formatDuration(past.countedMs)} of ${when} then`;
  const { feature } = guard;
  const sums = feature === undefined ? past.stable : past.features[feature];
  if (sums === undefined) return `${guardLabel(guard)} were not counted apart in ${when} then`;
  const q = QUANTILES[guard.metric];
  const ms = q === undefined ? null : quantile(sums.latency, q);
  const { n, bad } = trialsOfPast(guard, sums, ms);
  if (n >= LEAST_PAST) return { n, bad, ...(ms === null ? {} : { ms }) };
  const others = past.requests - past.stable.requests;
  const because = feature === undefined && others > past.stable.requests ? ", because a release had the traffic" : "";
  return `stable had n = ${formatCount(n)} of ${LEAST_PAST} needed in ${when} then${because}`;
}

function trialsOfPast({ metric }: Guard, { requests, bad, latency, webSockets }: PastSums, ms: number | null): Trials {
  if (metric === "websockets") return { n: webSockets.opened + webSockets.failed, bad: webSockets.failed };
  if (QUANTILES[metric] === undefined) return { n: requests, bad };
  if (ms === null) return { n: 0, bad: 0 };
  const { all, above } = countedAbove(latency, bucketOf(ms));
  return { n: all, bad: above };
}

/** How much traffic there is now, by all of its rows up to a second. */
export function loadNow(rows: readonly SecondRow[], toSecond: number): Load {
  const known = rows.filter(({ second }) => second <= toSecond && second > toSecond - LOAD_SECONDS);
  const first = rows.reduce((least, { second }) => Math.min(least, second), toSecond + 1);
  return {
    requests: known.reduce((sum, row) => sum + row.requests, 0),
    seconds: Math.min(LOAD_SECONDS, toSecond - first + 1),
  };
}

/** Other load by far is another time, whatever the clock says: what is slow or fails then is no yardstick. */
function otherLoad(past: PastTraffic, { requests, seconds }: Load): string | null {
  const usual = (past.requests / (past.countedMs / SECOND)) * seconds;
  if (Math.max(requests, usual) < LEAST_LOAD) return null;
  if (requests <= OTHER_LOAD * usual && usual <= OTHER_LOAD * requests) return null;
  const aSecond = (count: number): string => {
    const rate = count / seconds;
    return rate < 10 ? rate.toFixed(1) : formatCount(rate);
  };
  return `there are ${aSecond(requests)} requests a second now, and were ${aSecond(usual)} then`;
}
