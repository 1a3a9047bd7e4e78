import type { Instant } from "../core/time/time.ts";
import type { Failure } from "./customers/outcome.ts";

/** What the load process writes each second, as one line of JSON. */
export interface LoadSecond {
  readonly type: "load-second";
  readonly at: Instant;
  /** Seconds since the load began. */
  readonly second: number;
  /** That ended in this second, by version. */
  readonly versions: Readonly<Record<string, SecondOfVersion>>;
  readonly requests: number;
  readonly failedRequests: number;
  readonly appErrors: number;
  readonly inFlight: number;
  readonly webSockets: number;
  readonly totals: { readonly requests: number; readonly failedRequests: number; readonly appErrors: number };
}

export interface SecondOfVersion {
  readonly requests: number;
  readonly appErrors: number;
  readonly failedRequests: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

/** What it writes at its end, as one line of JSON. */
export interface LoadReport {
  readonly type: "load-finished";
  readonly startedAt: Instant;
  readonly endedAt: Instant;
  /** Every one numbered, sent, and ended in one way or another; WebSockets and event streams count once when they open. */
  readonly requests: number;
  /** Everything that went wrong and was not the app's own error. */
  readonly failedRequests: number;
  readonly failures: Readonly<Partial<Record<Failure, number>>>;
  /** The first of them, to look at. */
  readonly firstFailures: readonly FailureSeen[];
  readonly appErrors: number;
  readonly versions: Readonly<Record<string, VersionReport>>;
  /** How many different visitors came. */
  readonly visitors: number;
  readonly orders: OrderReport;
  readonly webSockets: HeldOpenReport;
  readonly eventStreams: HeldOpenReport;
  /** Of this process itself: could it keep up? */
  readonly load: {
    readonly wantedPerSecond: number;
    readonly sentPerSecond: number;
    /** The longest that a request waited here beyond its time. */
    readonly latestMs: number;
    /** Of one core, 0 … 1. */
    readonly cpu: number;
  };
}

export interface FailureSeen {
  readonly number: number;
  readonly what: string;
  readonly failure: Failure;
  readonly at: Instant;
  readonly version?: string;
  readonly detail?: string;
}

export interface VersionReport {
  readonly requests: number;
  readonly appErrors: number;
  /** Those of which is known that it was this version's. */
  readonly failedRequests: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
  /** When this process sent the first and the last request that the version answered. */
  readonly firstSentAt: Instant;
  readonly lastSentAt: Instant;
  /** When the version itself began with its last one, by its own clock; null when it does not say. */
  readonly lastBegunAt: Instant | null;
  /** Different visitors whom it answered. */
  readonly visitors: number;
  /** Those among all who came between its first and its last answer. */
  readonly exposedPercent: number;
}

export interface OrderReport {
  readonly accepted: number;
  /** Not found exactly once in the store as they were accepted; null: nobody looked. */
  readonly lost: number | null;
  /** Why nobody looked. */
  readonly notChecked?: string;
  /** The first of them. */
  readonly lostIds: readonly string[];
}

export interface HeldOpenReport {
  /** At the end. */
  readonly open: number;
  readonly opened: number;
  /** Ended as they should: closed with 1000 or 1001, or a stream with its last chunk; they came back. */
  readonly movedOn: number;
  /** Cut, silent, or closed with another code. Counted in failedRequests. */
  readonly dropped: number;
}
