import type { Buckets } from "../analysis/histogram.ts";
import type { Duration, Instant } from "../time/time.ts";

/** What a data plane still knows of a span that is long over. Plain JSON. */
export interface PastTraffic {
  readonly from: Instant;
  readonly to: Instant;
  /** In so much of the span it counted; the rest is not known. */
  readonly countedMs: Duration;
  /** Of all versions. */
  readonly requests: number;
  /** What the version served that was stable then, but for the seconds in which a share changed. */
  readonly stable: PastSums;
  /** Of those requests the ones that features are made of, by the features' names, as far as they were counted then. */
  readonly features: Readonly<Record<string, PastSums>>;
}

/** All that is kept of so many requests. */
export interface PastSums {
  readonly requests: number;
  /** 5xx, and what never got an answer. */
  readonly bad: number;
  /** In fewer and wider buckets than a second's, each known by the last of its own (histogram.ts). */
  readonly latency: Buckets;
  readonly webSockets: { readonly opened: number; readonly failed: number };
}
