import type { Fault } from "../fault.ts";
import type { Duration, Instant } from "../time/time.ts";

/** A rehearsal that is over: what was run, how long each step took, what came of it. A file of JSON each. */
export interface Rehearsal {
  readonly format: 1;
  readonly id: string;
  readonly app: string;
  readonly environment: string;
  /** Of the plan as a release would run it, and not of what the rehearsal made of it. */
  readonly planHash: string;
  readonly candidate: RehearsedVersion;
  /** What serves. null: nothing does, so nothing could be gone back to. */
  readonly stable: RehearsedVersion | null;
  readonly by: string;
  readonly startedAt: Instant;
  readonly tookMs: Duration;
  readonly passed: boolean;
  /** The first thing that went wrong; null: nothing did. */
  readonly trouble: Trouble | null;
  /** null: the plan names no database. */
  readonly database: RehearsedDatabase | null;
  readonly parts: readonly RehearsedPart[];
  readonly requests: RequestCount;
  readonly rollback: RehearsedRollback | null;
  /** From an empty hand to the old version on the restored database. null: that was not tried. */
  readonly recovery: RehearsedRecovery | null;
  readonly leftOut: readonly LeftOut[];
}

export interface RehearsedVersion {
  readonly version: string;
  readonly label: string;
}

export interface Trouble {
  readonly part: PartName;
  /** As it stands in the table of steps. */
  readonly step: string;
  readonly fault: Fault;
}

/** What the copy of the database was made of. */
export interface RehearsedDatabase {
  readonly place: string;
  readonly from:
    | { readonly kind: "backup"; readonly id: string; readonly madeAt: Instant }
    | { readonly kind: "file"; readonly bytes: number }
    | { readonly kind: "schema"; readonly tables: readonly MadeUpTable[] };
  readonly tables: number;
  readonly rows: number;
  /** Until the copy could be used. */
  readonly tookMs: Duration;
  /** Every row was compared with what the backup says of it. */
  readonly isCompared: boolean;
}

export interface MadeUpTable {
  readonly table: string;
  readonly rows: number;
  /** Why there are none. */
  readonly why?: string;
}

/**
 * `copy`: the database. `stable`: what serves, on the copy. `there-and-back`: the release up to its last share, then put back. `whole`: the
 * release to its end. `recovery`: the database from the backup, and the old version on it.
 */
export type PartName = "copy" | "stable" | "there-and-back" | "whole" | "recovery";

export interface RehearsedPart {
  readonly name: PartName;
  readonly tookMs: Duration;
  readonly steps: readonly RehearsedStep[];
  readonly requests: RequestCount;
}

export interface RehearsedStep {
  readonly name: string;
  readonly state: "passed" | "failed";
  readonly tookMs: Duration;
  /** What it takes in a release, where the rehearsal made it shorter. */
  readonly insteadOfMs?: Duration;
  /** A sentence of what came of it. */
  readonly note?: string;
}

export interface RequestCount {
  readonly sent: number;
  /** No answer, or one that was the data plane's own. */
  readonly failed: number;
  /** Answered with 5xx by the app itself. */
  readonly appErrors: number;
}

export interface RehearsedRollback {
  readonly fromSharePercent: number;
  /** From the decision until the data plane, read back, had everything on stable. */
  readonly trafficMs: Duration;
  /** From the decision to the last request that began on the candidate; negative: before it. null: it had none. */
  readonly lastRequestMs: Duration | null;
  /** Until everything was undone, the schema included. */
  readonly wholeMs: Duration;
  /** What became of the schema; absent: nothing was migrated. */
  readonly schema?: string;
}

export interface RehearsedRecovery {
  readonly backup: string;
  readonly restoreMs: Duration;
  readonly startMs: Duration;
  readonly wholeMs: Duration;
  readonly rows: number;
}

/** Something that a release does and the rehearsal did not. */
export interface LeftOut {
  readonly what: string;
  readonly why: string;
}

export const NO_REQUESTS: RequestCount = { sent: 0, failed: 0, appErrors: 0 };

/** What was sent between two looks. */
export function requestsBetween(before: RequestCount, after: RequestCount): RequestCount {
  return {
    sent: after.sent - before.sent,
    failed: after.failed - before.failed,
    appErrors: after.appErrors - before.appErrors,
  };
}
