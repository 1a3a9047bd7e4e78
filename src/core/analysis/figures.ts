import {
  type DaysBefore,
  factsOf,
  type Figures,
  type Guard,
  guardLabel,
  type Limit,
  type Measured,
} from "../plan/guard.ts";
import type { Look } from "./look.ts";
import { formatDuration, type Instant, SECOND } from "../time/time.ts";
import { clockTime, minuteOfWeek } from "../time/zone.ts";
import { rateAtOdds } from "./statistics/alternatives.ts";
import { candidateLimitMs } from "./evidence/slow-limit.ts";

/** A count with thin groups, as in "1 302". */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+(?!\d))/g, " ");
}

/** A part of one as percent with as many digits as it needs: 0.08%, 5.9%, 38%. */
export function formatPercent(part: number): string {
  const percent = part * 100;
  const size = Math.abs(percent);
  if (size === 0) return "0%";
  // A few in a million are not none, and a limit of 0.0001% is not one of nothing.
  if (size < 0.005) return `${withoutExponent(percent)}%`;
  if (size < 0.1) return `${percent.toFixed(2)}%`;
  if (size < 10) return `${Number(percent.toFixed(1))}%`;
  return `${Math.round(percent)}%`;
}

/** Two digits that say something, as `0.0000001` and not `1e-7`. */
function withoutExponent(value: number): string {
  return value.toFixed(Math.min(20, 1 - Math.floor(Math.log10(Math.abs(value))))).replace(/0+$/, "");
}

/** A figure in its metric's unit: `92ms`, `5.9%`, `3`. */
export function formatFigure(of: Measured, value: number | null): string {
  if (value === null) return "unknown";
  if (of.source !== undefined) return formatInUnit(value, of.source.unit);
  switch (factsOf(of).unit) {
    case "own":
      return formatNumber(value);
    case "share":
      return formatPercent(value);
    case "ms":
      return formatDuration(value);
    case "count":
      return formatCount(value);
  }
}

/** A figure from outside as its source says that it is told: `0.71/s`, `5.9%`, `92ms`, `1.3 GB`, `12 jobs`. */
export function formatInUnit(value: number, unit: string): string {
  switch (unit) {
    case "share":
      return formatPercent(value);
    case "percent":
      return formatPercent(value / 100);
    case "ms":
      return formatDuration(value);
    case "s":
      return formatDuration(value * SECOND);
    case "bytes":
      return formatBytes(value);
    default:
      return `${formatNumber(value)}${/^[\p{L}\d]/u.test(unit) ? " " : ""}${unit}`;
  }
}

/** Three digits that say something: 0.713, 12.4, 1 302, 0.0008. */
function formatNumber(value: number): string {
  return Math.abs(value) >= 1000 ? formatCount(value) : String(Number(value.toPrecision(3)));
}

const SIZES = ["B", "KB", "MB", "GB", "TB"];

/** In units of a thousand: `12.4 MB`. */
export function formatBytes(bytes: number): string {
  const power = Math.min(SIZES.length - 1, Math.floor(Math.log10(Math.max(1, Math.abs(bytes))) / 3));
  return `${formatNumber(bytes / 1000 ** power)} ${SIZES[power] ?? "B"}`;
}

/** A limit as it is written in a plan: `1.5x`, `300ms`, `1%`. */
export function formatLimit(of: Measured, limit: Limit): string {
  if (limit.kind === "relative" || limit.kind === "before") return `${limit.factor}x`;
  if (limit.kind === "growth") return `+${formatPercent(limit.value)}/h`;
  return formatFigure(of, limit.value);
}

/** `14:05-14:20 UTC` */
export function inUtc({ from, to }: { readonly from: Instant; readonly to: Instant }): string {
  const clock = (at: Instant): string => clockTime(minuteOfWeek(at, "UTC"));
  return `${clock(from)}-${clock(to)} UTC`;
}

/** `the day before` */
export function dayInWords(days: DaysBefore): string {
  return days === 1 ? "the day before" : "the week before";
}

/** What the candidate is compared with, in words. */
export function comparedName({ twin }: Pick<Look, "twin">): string {
  return twin === undefined ? "stable" : "its twin";
}

/** When stable's figures are not of the same seconds: " before the switch (14:05-14:20 UTC)". */
function timeOf({ before }: Figures): string {
  if (before === undefined) return "";
  return ` ${before.days === undefined ? "before the switch" : dayInWords(before.days)} (${inUtc(before)})`;
}

/**
 * A limit that was made of what stable did on another day, in the metric's own unit, as it is tested:
 * "limit 0.9%: 1.5x of at most 0.6% the day before (90/18 000, 14:00-14:30 UTC)". null: the limit is another one.
 */
function limitOfDay(guard: Guard, { before, ...figures }: Figures, limit: Limit): string | null {
  if (limit.kind !== "before" || before?.days === undefined || figures.stable === null) return null;
  const { atMost } = before;
  const value =
    atMost === undefined ? candidateLimitMs(figures.stable, limit.factor) : rateAtOdds(atMost, limit.factor);
  const of = atMost === undefined ? formatFigure(guard, figures.stable) : `at most ${formatFigure(guard, atMost)}`;
  const counts = figures.kStable === undefined ? "n = " : `${formatCount(figures.kStable)}/`;
  const then = `${dayInWords(before.days)} (${counts}${formatCount(figures.nStable)}, ${inUtc(before)})`;
  return `, limit ${formatFigure(guard, value)}: ${limit.factor}x of ${of} ${then}`;
}

/** The sentence of I10 for one guard: "errors 5.9% (4/68) against 0.08% (1/1 302), limit 1%". */
export function guardSentence(guard: Guard, figures: Figures, limit: Limit | null): string {
  const side = (value: number | null, k: number | undefined, n: number): string => {
    const counts = k === undefined || n === 0 ? "" : ` (${formatCount(k)}/${formatCount(n)})`;
    return `${formatFigure(guard, value)}${counts}`;
  };
  const candidate = `${guardLabel(guard)} ${side(figures.candidate, figures.k, figures.n)}`;
  const isCounted = factsOf(guard).unit === "ms" || (guard.source !== undefined && figures.n > 1);
  const count = figures.k === undefined && isCounted ? `, n = ${formatCount(figures.n)}` : "";
  const ofDay = limit === null ? null : limitOfDay(guard, figures, limit);
  if (ofDay !== null) return `${candidate}${ofDay}${count}`;
  const against =
    figures.stable === null
      ? ""
      : ` against ${figures.isTwin === true ? "its twin's " : ""}${side(figures.stable, figures.kStable, figures.nStable)}${timeOf(figures)}`;
  const limited = limit === null ? "" : `, limit ${formatLimit(guard, limit)}`;
  return `${candidate}${against}${limited}${count}`;
}

/** As long as it has been watched: nobody can know of a minute that has only begun. */
export function nothingSeen({ metric }: Guard, { windowMs }: Figures): string {
  const what = metric === "websockets" ? "WebSockets" : "requests";
  return windowMs === 0 ? "nothing is counted yet" : `no ${what} on the candidate for ${formatDuration(windowMs)}`;
}
