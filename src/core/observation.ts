import type { VisitorShift } from "./analysis/evidence/visitor-shift.ts";
import type { Instant } from "./time/time.ts";

/** What the data plane saw of one version in one second. A request belongs to the second in which it ended or passed its limit. */
export interface SecondRow {
  /** Unix second. */
  readonly second: number;
  readonly version: string;
  readonly requests: number;
  /** By status class; `failed` counts what never got an answer of the app's: refused, cut, timed out. */
  readonly status: {
    readonly ok: number;
    readonly redirect: number;
    readonly client: number;
    readonly server: number;
    readonly failed: number;
  };
  /** How many of `failed` another instance answered in its place: no client has seen those fail. Absent: none. */
  readonly passedOn?: number;
  /** Sparse logarithmic latency histogram: bucket → count (core/analysis/histogram.ts), without what was passed on. */
  readonly latency: Readonly<Record<number, number>>;
  readonly webSockets: { readonly opened: number; readonly failed: number };
  /** The worst routes of the second, at most a few. `GET /orders/:id`-like keys, 5xx and failed by key, without what was passed on. */
  readonly worst: readonly {
    readonly route: string;
    readonly requests: number;
    readonly bad: number;
    /** The one that came most often among the bad; 0: no answer. */
    readonly status: number;
  }[];
  /** The share changed in this second: it is left out of comparisons. */
  readonly mixed: boolean;
  /**
   * By counter of the table's `counting`, while there is a candidate. One that can't tell what is bad in this second,
   * because stable has had too few requests to say what is slow, is not among them.
   */
  readonly counted?: Readonly<Record<string, Counted>>;
  /**
   * Visitors who were seen for the first time in this release on this version; exact for its first thousands, and 0 from
   * then on. A process of the plane that takes over from another has seen nobody yet, and counts everybody again.
   */
  readonly newVisitors?: number;
  /** By the names of the counters' features, while there is a candidate. Absent: nobody asked for any of it. */
  readonly features?: Readonly<Record<string, FeatureRow>>;
  /** Of stable only: the requests in `counted` by groups of visitors (groupOf in core/traffic/counting.ts) that had any. */
  readonly cohorts?: Readonly<Record<string, Readonly<Record<number, readonly [requests: number, bad: number]>>>>;
  /**
   * Of the candidate only, 10, 15, 22 … seconds after its share was given (with its first row from then on): whether each
   * visitor's own speed has changed. A process of the plane that takes over counts the seconds from its own beginning.
   */
  readonly visitors?: VisitorShift;
}

/** The requests of one version in one second that a feature is made of: every one of them. */
export interface FeatureRow {
  readonly requests: number;
  /** 5xx and what never got an answer. */
  readonly bad: number;
  /** As in a row. */
  readonly latency: Readonly<Record<number, number>>;
}

/** The requests of one version in one second that count for a counter: not those of visitors who have just been bad. */
export interface Counted {
  readonly requests: number;
  readonly bad: number;
  /** Of `bad`: visitors who had not been bad in this release on this version before. */
  readonly newlyBad: number;
  /**
   * Milliseconds; what took longer was bad, on the candidate after its latency was divided by the counter's tolerance.
   * Absent where failures are counted.
   */
  readonly limitMs?: number;
}

/** The cursor is (proxy, sequence), never time. */
export interface ObservationBatch {
  /** Identity of the proxy process that counted. */
  readonly proxy: string;
  /** Ask for `since` this next time. */
  readonly next: number;
  readonly rows: readonly SecondRow[];
  /** Rows that were dropped before anyone read them; > 0 shows as source-down. */
  readonly lost: number;
  /** Why rows may lack requests, as a plane says that can't count them itself; shows as source-down. Absent: they lack none. */
  readonly trouble?: string;
  /** Requests in flight now, by version. */
  readonly inFlight: Readonly<Record<string, number>>;
  /** The plane's clock when it answered. */
  readonly at: Instant;
}

/** One running copy of a service, as the runtime sees it. */
export interface InstanceSeen {
  readonly id: string;
  readonly service: string;
  readonly slot: Slot;
  readonly version: string;
  /** `host:port`; absent for a worker. */
  readonly address?: string;
  readonly state: "starting" | "running" | "backoff" | "stopping" | "exited";
  readonly pid?: number;
  readonly startedAt?: Instant;
  /** Crashes since it was first started. */
  readonly restarts: number;
  readonly lastExit?: {
    readonly code: number | null;
    readonly signal: string | null;
    readonly at: Instant;
    /** It wanted more memory than it may have, and the system ended it. */
    readonly outOfMemory?: true;
  };
  readonly usage?: Usage;
  /** What its own health check says, where what runs it asks one. */
  readonly ownCheck?: { readonly state: "starting" | "healthy" | "unhealthy"; readonly says: string };
  /** It should run and does not: whoever starts it again must know what it needs of secrets, as only an engine does. */
  readonly isLost?: true;
  /** Taken over with `--adopt`: Tidegate did not start it. */
  readonly adopted: boolean;
}

/** `twin`: where the stable version runs a second time, to be compared with. No version ever serves from there. */
export type Slot = "blue" | "green" | "twin";

/** The place where the other version runs. */
export function otherSlot(slot: Slot): Slot {
  return slot === "blue" ? "green" : "blue";
}

export interface Usage {
  /** Of one core since the last look, 0 … cores. */
  readonly cpu: number;
  readonly rssBytes: number;
  /** Of the machine's memory or the container's limit, 0 … 1. */
  readonly memory: number;
  readonly openFiles: number;
  readonly at: Instant;
}

/** What the health probes of an instance say. */
export interface HealthSeen {
  readonly instance: string;
  readonly ready: boolean;
  /** So many bad answers in a row, or no process: it can't serve. Neither ready nor down is "not known yet". */
  readonly down: boolean;
  readonly live: boolean;
  /** The last moment at which its readiness was seen good. */
  readonly readyAt?: Instant;
  /** The last answer to the readiness probe. */
  readonly last?: ProbeAnswer;
  readonly depends?: ProbeAnswer;
}

export interface ProbeAnswer {
  readonly at: Instant;
  readonly ok: boolean;
  /** Absent: no answer. */
  readonly status?: number;
  readonly tookMs: number;
  /** First bytes of the body, or the error in words. */
  readonly text: string;
}
