import { type CountedSecond, gainsOf, NOTHING_COUNTED } from "./counted-second.ts";
import {
  type EProcess,
  freshEProcess,
  grow,
  logAdd,
  logEvidence,
  meanEvidence,
  ODDS_RATIOS,
} from "../statistics/e-process.ts";

/** A guard's part in the comparison, fixed before the release. */
export interface ComparedGuard {
  readonly id: string;
  /** Of the evidence of all guards, 0 … 1; all together 1. */
  readonly weight: number;
  /** The odds ratio that is still no worse. */
  readonly tolerance: number;
}

/** The comparison of a candidate with stable, over all guards of a release. */
export interface Comparison {
  readonly guards: readonly ComparedGuard[];
  /** Healthy releases that may be rolled back, as a part of all: 0.01. */
  readonly alpha: number;
  /** The watched seconds of all shifts below 100 %. */
  readonly plannedSeconds: number;
}

/** By guard. Nothing in it is reset from step to step: there is one budget for the release. */
export type ComparisonState = Readonly<Record<string, EProcess>>;

/** Nothing has been compared yet. */
export const NO_COMPARISON: ComparisonState = {};

/** One second on. What a guard did not count (no entry) is not evidence; time passes for it all the same. */
export function compare(
  state: ComparisonState,
  { guards, plannedSeconds }: Comparison,
  counted: Readonly<Record<string, CountedSecond>>,
  /** 1/max(1, dispersion) by guard; absent: 1. */
  tempering: Readonly<Record<string, number>> = {},
): ComparisonState {
  const next: Record<string, EProcess> = {};
  for (const { id, tolerance } of guards) {
    const bets = { grid: ODDS_RATIOS, tolerance, tempering: tempering[id] ?? 1 };
    const gains = gainsOf(counted[id] ?? NOTHING_COUNTED, bets);
    next[id] = grow(state[id] ?? freshEProcess(), gains, plannedSeconds);
  }
  return next;
}

/** What a comparison has come to. */
export interface ComparisonEvidence {
  /** ln of the weighted mean over all guards: at most ln 1 on average while nothing is worse. */
  readonly logTotal: number;
  /** By guard: ln of its own evidence. */
  readonly logOf: Readonly<Record<string, number>>;
  /** The guard that says most; null: none compares. */
  readonly strongest: string | null;
}

/** All guards together, and each by itself. `beside`: ln of another test of what a guard asks, by guard; it shares its weight. */
export function evidenceOf(
  state: ComparisonState,
  { guards }: Comparison,
  beside: Readonly<Record<string, number>> = {},
): ComparisonEvidence {
  const parts = guards.map(({ id, weight }) => {
    const process = state[id];
    const log = process === undefined ? 0 : logEvidence(process);
    const other = beside[id];
    return { id, weight, log: other === undefined ? log : logAdd(log, other) - Math.LN2 };
  });
  const { log, strongest } = meanEvidence(parts);
  return { logTotal: log, logOf: Object.fromEntries(parts.map((part) => [part.id, part.log])), strongest };
}
