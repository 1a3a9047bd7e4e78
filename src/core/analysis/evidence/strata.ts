import { added, type CountedSecond, NOTHING_COUNTED } from "./counted-second.ts";

/** What is compared at once. A second alone tells nothing where it holds one request: there is nobody to compare it with. */
const ENOUGH_REQUESTS = 20;
const LONGEST_SECONDS = 60;

/** By guard: seconds that wait for company. */
export type OpenStrata = Readonly<Record<string, { readonly counted: CountedSecond; readonly seconds: number }>>;

/** Nothing waits. */
export const NO_OPEN_STRATA: OpenStrata = {};

/**
 * Puts seconds together until there are 20 requests of both versions, or a minute has passed. That depends on how many were asked and
 * not on how they were answered, so the comparison stays as valid as second by second, as long as the share is the same all the
 * while: begin anew with each share. At 1 request a second it finds the same fault in a quarter of the time.
 */
export function together(
  open: OpenStrata,
  counted: Readonly<Record<string, CountedSecond>>,
): { readonly open: OpenStrata; readonly closed: Readonly<Record<string, CountedSecond>> } {
  const stillOpen: Record<string, OpenStrata[string]> = {};
  const closed: Record<string, CountedSecond> = {};
  for (const id of new Set([...Object.keys(open), ...Object.keys(counted)])) {
    const waiting = open[id];
    const sum = added(waiting?.counted ?? NOTHING_COUNTED, counted[id] ?? NOTHING_COUNTED);
    const seconds = (waiting?.seconds ?? 0) + 1;
    if (sum.n + sum.nStable >= ENOUGH_REQUESTS || seconds >= LONGEST_SECONDS) closed[id] = sum;
    else stillOpen[id] = { counted: sum, seconds };
  }
  return { open: stillOpen, closed };
}

/** How much of what they would tell together is left, of so many requests a second, 0 … 1. */
export function toldBy(rps: number): number {
  const requests = Math.max(rps, Math.min(ENOUGH_REQUESTS, rps * LONGEST_SECONDS));
  return requests <= 0 ? 0 : 1 - (1 - Math.exp(-requests)) / requests;
}
