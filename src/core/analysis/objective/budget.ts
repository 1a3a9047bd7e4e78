import type { Guard } from "../../plan/guard.ts";
import { type SecondOfBoth, trialsOf } from "../evidence/seconds.ts";
import { movedBy, type Spans, type SpanSize, withSecond } from "./spans.ts";
import { isLatency } from "../evidence/tested-limits.ts";

/** What the candidate has burnt of its objective's budget since it has all traffic: sums, enough for the windows of a burn rate. */
export interface Burnt {
  /** The newest second up to which somebody looked; null: by another engine's count of the seconds. */
  readonly lookedAt: number | null;
  /** All of its requests so far. */
  readonly requests: number;
  /** The last hour. */
  readonly byMinute: Spans | null;
  /** The last six hours. */
  readonly byTenMinutes: Spans | null;
}

/** Spans of a last hour. */
export const MINUTES: SpanSize = { seconds: 60, count: 60 };
/** Spans of the last six hours. */
export const TEN_MINUTES: SpanSize = { seconds: 600, count: 36 };

const NOTHING: Burnt = { lookedAt: null, requests: 0, byMinute: null, byTenMinutes: null };

/** More than this between two looks was not watched. */
const LONGEST_LOOK_SECONDS = 60;

/** With the seconds that have closed since the look before, in which those from `from` to `to` were looked at. */
export function burntSince(
  before: Burnt | undefined,
  guard: Guard,
  seconds: readonly SecondOfBoth[],
  { from, to }: { readonly from: number; readonly to: number },
): Burnt {
  const { lookedAt, requests, ...sums } = before ?? NOTHING;
  const limitMs = isLatency(guard) ? (guard.slo ?? null) : null;
  let { byMinute, byTenMinutes } = sums;
  let all = requests;
  const add = (second: number, n: number, bad: number, watched: number): void => {
    all += n;
    byMinute = withSecond(byMinute, MINUTES, second, [n, bad, watched]);
    byTenMinutes = withSecond(byTenMinutes, TEN_MINUTES, second, [n, bad, watched]);
  };
  for (const { second, candidate } of seconds) {
    const { n, bad } = trialsOf(guard.metric, candidate, limitMs);
    add(second, n, bad, 0);
  }
  const watched = Math.min(LONGEST_LOOK_SECONDS, Math.max(0, to - (lookedAt ?? from - 1)));
  add(to, 0, 0, watched);
  return { lookedAt: to, requests: all, byMinute, byTenMinutes };
}

/** By another count of the seconds, which is `by` ahead: whose, is not known. */
export function burntMovedBy(burnt: Burnt, by: number): Burnt {
  const moved = (spans: Spans | null): Spans | null => (spans === null ? null : movedBy(spans, by));
  return { ...burnt, lookedAt: null, byMinute: moved(burnt.byMinute), byTenMinutes: moved(burnt.byTenMinutes) };
}
