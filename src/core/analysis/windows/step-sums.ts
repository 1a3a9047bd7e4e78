import type { Look } from "../look.ts";
import { NOTHING_SUMMED, sumWindow, type WindowSum } from "./window.ts";

/** Both versions' figures since the step began. */
export interface StepSums {
  /** The newest second in them. */
  readonly upTo: number;
  readonly candidate: WindowSum;
  readonly stable: WindowSum;
}

/**
 * Adds the seconds that have closed since the last look. Not all of them anew at each look: after a quarter of an hour that would cost
 * a hundred times as much. Without sums of a look before (another engine goes on) they begin with the rows that are still there.
 */
export function addClosed(before: StepSums | null, look: Look): StepSums | null {
  const from = Math.max(look.fromSecond, (before?.upTo ?? Number.NEGATIVE_INFINITY) + 1);
  if (from > look.toSecond) return before;
  const upTo = look.rows.reduce(
    (newest, { second }) => (second >= from && second <= look.toSecond && second > newest ? second : newest),
    Number.NEGATIVE_INFINITY,
  );
  if (upTo === Number.NEGATIVE_INFINITY) return before;
  const { candidate, stable } = before ?? { candidate: NOTHING_SUMMED, stable: NOTHING_SUMMED };
  const summed = (version: string | null, sum: WindowSum): WindowSum =>
    version === null ? sum : sumWindow(look.rows, version, from, upTo, sum);
  return { upTo, candidate: summed(look.candidate, candidate), stable: summed(look.stable, stable) };
}
