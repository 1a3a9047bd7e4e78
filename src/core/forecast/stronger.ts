import { HOUR, MINUTE, SECOND } from "../time/time.ts";
import { caughtErrors, type SeenTraffic, type SharedFor } from "./catches.ts";

/** What a step must at least be able to see: errors of 5 %, or ten times those of stable. */
const LEAST_FAULT = 0.05;
const TIMES_STABLE = 10;
const TOO_WEAK = 2 / 3;
const STRONG = 0.9;

const SHARES = [0.01, 0.05, 0.1, 0.25, 0.5] as const;
const TIMES_MS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 30, 40].map((minutes) => minutes * MINUTE),
  ...[1, 1.5, 2, 3, 4, 6, 12, 24, 48, 72, 168].map((hours) => hours * HOUR),
];

/** A step that can hardly tell anything, and what would make it tell. */
export interface WeakStep {
  /** The error rate that it should see, 0 … 1, and the chance that it does. */
  readonly errors: number;
  readonly caught: number;
  /** A share, or a time at the step's own share, that sees it nine times in ten; null: none below half of the traffic or a week. */
  readonly share: number | null;
  readonly seconds: number | null;
}

/** null: the step sees what it should two times in three. */
export function weaknessOf(traffic: SeenTraffic, step: SharedFor): WeakStep | null {
  const errors = Math.min(1, Math.max(LEAST_FAULT, traffic.errors * TIMES_STABLE));
  const chance = (over: Partial<SharedFor>): number => caughtErrors(traffic, { ...step, ...over }, errors).caught;
  const caught = chance({});
  if (caught >= TOO_WEAK) return null;
  const longer = TIMES_MS.map((ms) => ms / SECOND).filter((seconds) => seconds > step.seconds);
  return {
    errors,
    caught,
    share: SHARES.find((share) => share > step.share && chance({ share }) >= STRONG) ?? null,
    seconds: longer.find((seconds) => chance({ seconds }) >= STRONG) ?? null,
  };
}
