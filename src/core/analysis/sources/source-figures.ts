import { type Figures, type Guard, guardId } from "../../plan/guard.ts";
import { type Reading, type Source, type SourceReading, staleAfterMs } from "../../plan/source.ts";
import { SECOND } from "../../time/time.ts";
import type { Look } from "../look.ts";
import { limitValue } from "../limit-value.ts";

/** A guard whose figure comes from outside. */
export type SourcedGuard = Guard & { readonly source: Source };

export function isSourced(guard: Guard): guard is SourcedGuard {
  return guard.source !== undefined;
}

/** What the source said since the guard is looked at, oldest first. */
export function readingsOf(guard: Guard, { readings, fromSecond }: Look): readonly SourceReading[] {
  return (readings?.[guardId(guard)] ?? []).filter(({ second }) => second >= fromSecond);
}

/** What it said last, while that still says something of now; null: nothing. */
export function newestOf(guard: SourcedGuard, look: Look): SourceReading | null {
  const newest = readingsOf(guard, look).at(-1);
  return newest === undefined || (look.toSecond - newest.second) * SECOND > staleAfterMs(guard.source) ? null : newest;
}

/**
 * Both versions' figures: the newest of each or, where the plan has a window, their means over it. What is compared is told by the means
 * of the step, because that is what speaks.
 */
export function sourceFigures(guard: SourcedGuard, look: Look): Figures {
  const all = readingsOf(guard, look);
  const newest = newestOf(guard, look);
  const compares = Object.values(guard.limits).some((limits) => limits.some(({ kind }) => kind === "relative"));
  const since = compares ? look.fromSecond : look.toSecond - guard.windowMs / SECOND;
  const taken = guard.windowMs > 0 || compares ? all.filter(({ second }) => second > since) : all.slice(-1);
  const ours = taken.flatMap(({ candidate }) => valueOf(candidate));
  const theirs = taken.flatMap(({ stable }) => valueOf(stable));
  return {
    candidate: newest === null || valueOf(newest.candidate).length === 0 ? null : mean(ours),
    stable: mean(theirs),
    limit: limitValue(guard),
    n: ours.length,
    nStable: theirs.length,
    windowMs: all.length === 0 ? 0 : Math.max(SECOND, guard.windowMs),
  };
}

/** The number in a reading, if it is one. */
export function valueOf(reading: Reading | null): readonly number[] {
  return reading?.kind === "value" ? [reading.value] : [];
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
