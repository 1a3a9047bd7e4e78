import type { Gathered } from "../analysis/evidence/gathered.ts";
import type { Effect, Observed } from "./effect.ts";
import type { Emergency } from "./emergency.ts";
import type { Fault } from "../fault.ts";
import type { Verdict } from "../plan/guard.ts";
import type { Slot } from "../observation.ts";
import type { Plan } from "../plan/plan.ts";
import type { Share } from "../traffic/share.ts";
import type { Duration, Moment } from "../time/time.ts";

/** A version and where it runs. `adopted`: taken over from outside at this address, with `--adopt`. */
export interface Placed {
  readonly version: string;
  /** For people: a tag or a short sha. */
  readonly label: string;
  readonly slot: Slot;
  readonly adopted?: string;
}

/** Why something was decided, in one sentence with its figures (I10). */
export interface Because {
  readonly kind:
    | "guard"
    | "not-ready"
    | "crashed"
    | "effect"
    | "person"
    | "superseded"
    | "no-data"
    | "environment"
    | "drift"
    | "uncertain"
    | "waiting"
    | "time";
  readonly sentence: string;
  readonly verdict?: Verdict;
  readonly fault?: Fault;
  /** Nobody knows meanwhile whether what the step does is in force, so that time of a hold is none in which it was watched. */
  readonly isUnwatched?: true;
  /** A person went over the step: its work was not done, or not as it should be. */
  readonly isPromotedPast?: true;
}

/** Who acted, and what they had seen when they did. */
export interface Act {
  readonly by: string;
  readonly reason?: string;
}

/** Everything that can happen to a release. Past tense; never changed once written (a new shape gets a new version). */
/** What was gathered, and in which step and attempt of it. */
export interface GatheredIn {
  readonly step: string;
  readonly attempt: number;
  readonly evidence: Gathered;
}

export type ReleaseEvent =
  | {
      readonly type: "planned";
      readonly release: number;
      readonly app: string;
      readonly environment: string;
      readonly stable: Placed | null;
      readonly candidate: Placed;
      /** Cohort offset, 0 … 9 999. */
      readonly offset: number;
      readonly plan: Plan;
      readonly planHash: string;
      readonly by: string;
      readonly reason?: string;
      /** The request that it answers: one that is found open again after a crash must not begin a second release. */
      readonly request?: number;
    }
  | { readonly type: "started" }
  /** A new engine acts; `awayMs` of wall time have passed since the last event: none of it counts as watched. */
  | { readonly type: "engine-took-over"; readonly epoch: number; readonly awayMs: Duration }
  /** With what the judge has gathered, now and then: another engine goes on from it. */
  | { readonly type: "watch-checkpoint"; readonly gathered?: GatheredIn }
  | { readonly type: "step-started"; readonly step: string; readonly attempt: number }
  | {
      readonly type: "effect-requested";
      readonly key: string;
      readonly within: Within;
      readonly name: string;
      /** What is done with it by other names: messages that go as one. Absent: nothing. */
      readonly also?: readonly string[];
      readonly try: number;
      readonly effect: Effect;
      readonly inverse: Effect | null;
    }
  | { readonly type: "effect-confirmed"; readonly key: string; readonly observed: Observed; readonly tookMs: Duration }
  | { readonly type: "effect-failed"; readonly key: string; readonly fault: Fault; readonly tookMs: Duration }
  /** The contract step has its locks, and what this file takes away is about to be gone for good. */
  | { readonly type: "contract-started"; readonly step: string; readonly file: string }
  | { readonly type: "verdict-changed"; readonly step: string; readonly verdict: Verdict }
  | { readonly type: "held"; readonly step: string; readonly because: Because; readonly needsPerson: boolean }
  | { readonly type: "hold-ended"; readonly step: string }
  | { readonly type: "step-passed"; readonly step: string; readonly because: Because }
  | { readonly type: "step-failed"; readonly step: string; readonly because: Because }
  | ({ readonly type: "step-skipped"; readonly step: string } & Act)
  | ({
      readonly type: "approved";
      readonly step: string;
      readonly planHash: string;
      readonly version: string;
      /** The only member of a team of one approved their own release. */
      readonly own: boolean;
    } & Act)
  | {
      readonly type: "item-ticked";
      readonly step: string;
      readonly item: string;
      readonly by: string | null;
      readonly detail: string;
    }
  | ({ readonly type: "paused" } & Act)
  | ({ readonly type: "resumed" } & Act)
  | ({ readonly type: "promoted"; readonly step: string } & Act)
  /** Somebody looks after what people were called for, by the names of the news. `via`: the receiver that told of it. */
  | ({ readonly type: "acknowledged"; readonly alerts: readonly string[]; readonly via?: string } & Act)
  | {
      readonly type: "stepped-back";
      readonly from: string;
      readonly to: string;
      readonly share: Share;
      readonly because: Because;
      readonly by: string | null;
    }
  | ({ readonly type: "retried"; readonly step: string } & Act)
  | {
      readonly type: "share-drifted";
      readonly wanted: Share;
      readonly found: Share | null;
      /** The candidate has its share, and its twin none. */
      readonly lostTwin?: true;
      readonly sentence: string;
    }
  /** A newer release needs the slot: the standby is retired now, before its step is due. */
  | { readonly type: "retirement-brought-forward"; readonly for: number }
  | { readonly type: "rollback-decided"; readonly because: Because; readonly by: string | null }
  /** Was done before the journal could be told (`emergency.at`), and is appended only now. */
  | { readonly type: "emergency-noted-late"; readonly emergency: Emergency }
  | { readonly type: "rolled-back"; readonly sentence: string }
  | { readonly type: "went-live" }
  | { readonly type: "closed" }
  | { readonly type: "failed"; readonly fault: Fault };

/** What an effect belongs to: a step's attempt, the undoing, a retirement brought forward, or the messages to people that block nothing. */
export type Within =
  | { readonly kind: "step"; readonly step: string; readonly attempt: number }
  | { readonly kind: "undo" }
  | { readonly kind: "early-retirement" }
  | { readonly kind: "message" };

export type EventType = ReleaseEvent["type"];
export type EventOf<T extends EventType> = Extract<ReleaseEvent, { readonly type: T }>;

/** An event with the moment at which it was appended. */
export interface Happened {
  readonly event: ReleaseEvent;
  readonly at: Moment;
}
