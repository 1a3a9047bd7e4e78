import { SECOND } from "../../../src/core/time/time.ts";
import type { Random } from "../random.ts";

/** One button that one person presses at one moment, by what they saw a while before. */
export interface Press {
  readonly atMs: number;
  readonly person: string;
  readonly button: Button;
  /** How old what they saw is. */
  readonly sawMsAgo: number;
  /** They go by what was released before this one. */
  readonly ofOlder: boolean;
  readonly pokes: boolean;
}

export type Button =
  | "approve"
  /** By a script that saved the approval of another plan. */
  | "approve-other-plan"
  | "tick"
  | "promote"
  | "skip"
  | "pause"
  | "resume"
  | "step-back"
  | "rollback"
  | "rollback-now"
  | "retry"
  | "release"
  | "supersede"
  | "look";

const BUTTONS: readonly Button[] = [
  "approve",
  "approve",
  "approve-other-plan",
  "tick",
  "promote",
  "promote",
  "skip",
  "pause",
  "resume",
  "step-back",
  "step-back",
  "rollback",
  "rollback",
  "rollback-now",
  "retry",
  "release",
  "supersede",
  "look",
  "look",
];

const EVERYBODY = ["ann", "bob", "eve", "tom"];

export function drawPress(random: Random, troubledMs: number): Press {
  return {
    atMs: random.between(0, random.chance(0.5) ? Math.min(troubledMs, 25 * SECOND) : troubledMs),
    person: random.pick(EVERYBODY),
    button: random.pick(BUTTONS),
    sawMsAgo: random.chance(0.6) ? 0 : random.between(0, 10) * SECOND,
    ofOlder: random.chance(0.08),
    pokes: random.chance(0.8),
  };
}
