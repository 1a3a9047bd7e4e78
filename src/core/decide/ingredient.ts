import type { Effect, Repeat } from "../release/effect.ts";
import { type Duration, SECOND } from "../time/time.ts";

/** One thing to do, by a name that is unique among what is done with it. */
export interface Ingredient {
  readonly name: string;
  readonly effect: Effect;
  readonly inverse: Effect | null;
  readonly repeat: Repeat;
  /** How often it is tried in all, and how long apart. */
  readonly tries: number;
  readonly backoffMs: Duration;
  /** A failure is told and does not stop what comes after. */
  readonly optional: boolean;
  /** It is about stable's twin: a failure holds, because the candidate has not failed. */
  readonly ofTwin: boolean;
  /** Needs every instance of these to be seen ready (I1). */
  readonly needsReady: NeedsReady | null;
}

export type NeedsReady = "candidate" | "candidate and twin" | "stable";

/** In order; each begins when the one before it is confirmed. */
export type Recipe = readonly Ingredient[];

export const ONCE = {
  inverse: null,
  repeat: "safe",
  tries: 1,
  backoffMs: 0,
  optional: false,
  ofTwin: false,
  needsReady: null,
} as const;

/** What the world must be told again and again until it obeys. */
export const INSIST = { tries: 10, backoffMs: SECOND } as const;
