import { rateAtOdds } from "../statistics/alternatives.ts";
import { BESIDE, BROKEN } from "./bounds.ts";
import { limitGains } from "../statistics/e-process.ts";
import type { Guard } from "../../plan/guard.ts";
import type { Look } from "../look.ts";
import type { Trials } from "./seconds.ts";
import { evidenceKey, isRateCompared, ownLimits, type TestedLimit } from "./tested-limits.ts";

/**
 * Whether a version breaks a limit just now, whatever it did before: an incident begins and ends. Evidence that grows through a
 * whole release can't say that, so what speaks for trouble is cut off above, where it is enough, and below, where there is none.
 */
export interface Trouble {
  /** ln of what speaks for each size of the fault, 0 … `MOST`. */
  readonly logStakes: readonly number[];
  /** It began, and has not ended yet. */
  readonly isOn: boolean;
}

/** Of both versions, by one limit. */
export interface TroubleOfBoth {
  readonly candidate: Trouble;
  readonly stable: Trouble;
}

/** Odds ratios beyond the limit that count as trouble: what is hardly worse is told apart too slowly to begin and end. */
const SIZES: readonly number[] = [3, 10, 30, 100];

/** A little beyond what begins it, so that it is soon known that it has ended. */
const MOST = BROKEN + 1;

const NO_TROUBLE: Trouble = { logStakes: SIZES.map(() => 0), isOn: false };

/** One second on, held against a rate of at most `limit`, below 1. */
export function watchTrouble(before: Trouble | undefined, { n, bad }: Trials, limit: number): Trouble {
  const { logStakes, isOn } = before ?? NO_TROUBLE;
  const gains = limitGains(
    n,
    bad,
    limit,
    SIZES.map((factor) => rateAtOdds(limit, factor)),
  );
  const stakes = logStakes.map((stake, index) => Math.min(MOST, Math.max(0, stake + (gains[index] ?? 0))));
  const most = Math.max(...stakes);
  return { logStakes: stakes, isOn: isOn ? most > BESIDE : most >= BROKEN };
}

/** By what trouble is kept of a guard that has no limit of its own: stable is far worse than it was before the release. */
export const AS_USUAL = "usual";

/** Whether stable breaks all those limits of a rollback just now that it can break, or does far worse than it did. */
export function isStableInTrouble(guard: Guard, { trouble = {} }: WithTrouble, look: Pick<Look, "switched">): boolean {
  const own = ownLimits(guard);
  if (isRateCompared(guard)) return trouble[AS_USUAL]?.stable.isOn === true;
  return own.length > 0 && own.every((one) => trouble[evidenceKey(one, look)]?.stable.isOn === true);
}

/** Whether it looks as if stable were about to break a limit too: then it is waited until that is known. */
export function isStableSuspect(
  one: TestedLimit,
  { trouble = {} }: WithTrouble,
  look: Pick<Look, "switched">,
): boolean {
  const stakes = trouble[evidenceKey(one, look)]?.stable.logStakes ?? [];
  return Math.max(0, ...stakes) >= BESIDE;
}

interface WithTrouble {
  readonly trouble?: Readonly<Record<string, TroubleOfBoth>>;
}
