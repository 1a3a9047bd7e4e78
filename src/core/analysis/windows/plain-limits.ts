import { comparedName, formatCount, guardSentence, nothingSeen } from "../figures.ts";
import {
  factsOf,
  type Figures,
  type Guard,
  GUARD_LEVELS,
  guardLabel,
  type GuardLevel,
  isOfRequests,
  type Limit,
  QUANTILES,
  type Verdict,
} from "../../plan/guard.ts";
import type { CountedLooks } from "./counted-looks.ts";
import type { Look } from "../look.ts";
import { LATENCY_RESOLUTION_MS } from "../evidence/slow-limit.ts";
import { cantTell, whenBroken, whenUnbroken } from "./plain-verdict.ts";
import type { View } from "../views.ts";
import { firstLimit } from "../limit-value.ts";
import { figuresOf } from "./window-figures.ts";

/** A guard's limits over its window. Counts this look among those that found the same. */
export function judgePlainly(
  guard: Guard,
  { look, windows }: View,
  looks: CountedLooks,
): { readonly verdict: Verdict; readonly isAsBadOnStable: boolean } {
  const figures = figuresOf(guard, look, windows(guard.windowMs));
  const unknown = whatIsUnknown(guard, figures, look);
  if (unknown !== null) return { verdict: cantTell({ guard, figures, looks }, ...unknown), isAsBadOnStable: false };
  const broken = brokenOverWindow(guard, figures);
  if (broken === null) {
    const sentence = guardSentence(guard, figures, firstLimit(guard));
    const found = unbroken(guard, figures, sentence, look);
    return { verdict: whenUnbroken({ guard, figures, looks }, sentence, found), isAsBadOnStable: false };
  }
  const { level, limit } = broken;
  const isAsBad = level === "rollback" && isAsBadOnStable(guard, figures);
  const sentence = guardSentence(guard, figures, limit);
  return { verdict: whenBroken({ guard, figures, looks }, sentence, { level, isAsBad }), isAsBadOnStable: isAsBad };
}

/** Why nothing can be said of its limits; null: something can. */
function whatIsUnknown(
  guard: Guard,
  figures: Figures,
  { sourceDown }: Look,
): readonly ["source-down" | "no-data", string] | null {
  const label = guardLabel(guard);
  const isOfData = isOfRequests(guard);
  if (sourceDown !== null && isOfData) return ["source-down", `${label} unknown: ${sourceDown}`];
  if (!isOfData && figures.candidate === null)
    return ["no-data", `${label} unknown: nothing is known of the candidate's processes`];
  if (figures.n === 0 || figures.candidate === null)
    return ["no-data", `${label} unknown: ${nothingSeen(guard, figures)}`];
  return null;
}

interface BrokenLimit {
  readonly level: GuardLevel;
  readonly limit: Limit;
}

/** Missing data is never a pass (I4): neither the candidate's nor that of what it is compared with. */
function unbroken(
  guard: Guard,
  figures: Figures,
  sentence: string,
  look: Look,
): readonly ["pass" | "inconclusive", string] {
  if (!isEnough(guard, figures)) {
    // A latency's sentence ends with its n already.
    const count = factsOf(guard).unit === "ms" ? "" : `, n = ${formatCount(figures.n)}`;
    return ["inconclusive", `${sentence}${count} of ${formatCount(needed(guard))} needed`];
  }
  const compares = Object.values(guard.limits).some((limits) => limits.some((limit) => "factor" in limit));
  if (compares && isOfRequests(guard) && (figures.stable === null || figures.nStable < guard.minRequests)) {
    return [
      "inconclusive",
      `${sentence}; to compare with, ${comparedName(look)} has n = ${formatCount(figures.nStable)} of ${formatCount(guard.minRequests)} needed`,
    ];
  }
  if (!isOverByFew(guard, figures)) return ["pass", sentence];
  const few = `${formatCount(figures.k ?? 0)} of the ${formatCount(guard.minEvents)} bad ones`;
  return ["pass", `${sentence}; only ${few} that it takes to be broken`];
}

/** A limit of its own is passed by fewer bad requests than people want to be troubled for. */
function isOverByFew(guard: Guard, figures: Figures): boolean {
  if (hasEvents(guard, figures)) return false;
  return Object.values(guard.limits).some((limits) => limits.every((limit) => isOver(guard, limit, figures)));
}

function brokenOverWindow(guard: Guard, figures: Figures): BrokenLimit | null {
  for (const level of GUARD_LEVELS) {
    const limits = guard.limits[level] ?? [];
    const [limit] = limits;
    if (limit !== undefined && limits.every((each) => isBroken(guard, each, figures))) return { level, limit };
  }
  return null;
}

function isBroken(guard: Guard, limit: Limit, figures: Figures): boolean {
  const { candidate, stable } = figures;
  if (candidate === null) return false;
  const { worse, unit } = factsOf(guard);
  const higherIsWorse = worse === "higher";
  if (limit.kind === "relative" || limit.kind === "before") {
    if (stable === null || figures.nStable < guard.minRequests || !isEnough(guard, figures)) return false;
    const base = figures.kStable === 0 && figures.nStable > 0 ? 0.5 / figures.nStable : stable;
    if (unit === "ms" && candidate - base < LATENCY_RESOLUTION_MS) return false;
    const isOver = limit.factor >= 1 ? candidate > base * limit.factor : candidate < base * limit.factor;
    return isOver && hasEvents(guard, figures);
  }
  if (!isOver(guard, limit, figures)) return false;
  if (isEnough(guard, figures)) return hasEvents(guard, figures);
  // A total failure need not wait for the full count: even its lower bound is over the limit.
  if (figures.k === undefined || figures.k < guard.minEvents) return false;
  const badLimit = higherIsWorse ? limit.value : 1 - limit.value;
  return lowerBound(figures.k, figures.n) > badLimit;
}

function isOver(guard: Guard, limit: Limit, { candidate }: Figures): boolean {
  if (candidate === null || limit.kind === "relative" || limit.kind === "before") return false;
  return factsOf(guard).worse === "higher" ? candidate > limit.value : candidate < limit.value;
}

function hasEvents(guard: Guard, figures: Figures): boolean {
  return figures.k === undefined || figures.k >= guard.minEvents;
}

/** Wilson's lower bound of a rate at three standard deviations. */
function lowerBound(k: number, n: number): number {
  const z = 3;
  const p = k / n;
  return (p + (z * z) / (2 * n) - z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
}

/**
 * Requests (or samples) below which the guard does not pass. Among fewer than `minEvents` it could not be broken even if all
 * failed. A p99 needs more of them than a p50.
 */
function needed(guard: Guard): number {
  if (!isOfRequests(guard)) return 1;
  const q = QUANTILES[guard.metric] ?? 0;
  return Math.max(guard.minRequests, Math.ceil(guard.minEvents / (1 - q)));
}

function isEnough(guard: Guard, figures: Figures): boolean {
  return figures.n >= needed(guard);
}

function isAsBadOnStable(guard: Guard, figures: Figures): boolean {
  const limits = guard.limits.rollback ?? [];
  const swapped: Figures = {
    ...figures,
    candidate: figures.stable,
    stable: null,
    n: figures.nStable,
    ...(figures.kStable === undefined ? {} : { k: figures.kStable }),
  };
  return (
    limits.some((limit) => "value" in limit) &&
    limits.every((limit) => "value" in limit && isBroken(guard, limit, swapped))
  );
}
