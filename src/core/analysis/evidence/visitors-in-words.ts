import type { Figures } from "../../plan/guard.ts";
import { formatDuration } from "../../time/time.ts";
import { ONCE_MS } from "../../traffic/counting.ts";
import type { CountedSecond } from "./counted-second.ts";
import { formatCount, formatPercent } from "../figures.ts";

/**
 * What a comparison has counted, where that is another story than the requests are: "; with each visitor's failures counted once in
 * 10m 4.1% (31/755) against 1.6% (13/812)". Without it nobody could see why 11% against 13% is worse, or 18% against none is not.
 */
export function visitorsInWords(once: CountedSecond | undefined, { k = 0, kStable = 0 }: Figures): string {
  if (once === undefined || !(isOtherStory(k, once.bad) || isOtherStory(kStable, once.badStable))) return "";
  const { n, bad, nStable, badStable } = once;
  const side = (part: number, of: number): string =>
    of === 0 ? "unknown" : `${formatPercent(part / of)} (${formatCount(part)}/${formatCount(of)})`;
  return `; with each visitor's failures counted once in ${formatDuration(ONCE_MS)} ${side(bad, n)} against ${side(badStable, nStable)}`;
}

/** Most failures are of visitors who had failed before. */
export function isOtherStory(failures: number, counted: number): boolean {
  return failures >= LEAST_FAILURES && failures > 2 * counted;
}

const LEAST_FAILURES = 5;
