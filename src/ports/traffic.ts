import type { ObservationBatch } from "../core/observation.ts";
import type { Listener, RoutingTable, TrafficState } from "../core/traffic/routing.ts";
import type { TrafficPlan } from "../core/plan/traffic.ts";
import type { Duration, Instant } from "../core/time/time.ts";
import type { PastTraffic } from "../core/traffic/past-traffic.ts";

/** A data plane. Every method throws FaultError; `traffic-unreachable` when it can't be asked. */
export interface Traffic {
  /** Makes sure that the plane runs, listens and has these time-outs. Idempotent. Faults: port-taken. */
  ensure(listeners: readonly Listener[], timeouts?: TrafficPlan["timeouts"]): Promise<void>;
  /** Later writes of lower epochs are refused by the plane. Faults: stale-epoch. */
  claim(epoch: number): Promise<void>;
  /** What is in force, from the plane itself; null when no plane runs. */
  read(): Promise<TrafficState | null>;
  /**
   * Replaces the whole table and answers what is then in force. Faults: stale-epoch, revision-conflict,
   * traffic-table-refused.
   */
  write(table: RoutingTable, ifRevision: number): Promise<TrafficState>;
  /** Starts the lease of a partial share again. */
  renew(epoch: number): Promise<void>;
  /** Resolves with how many requests and sockets are still open on the endpoint at the deadline; 0 is drained. */
  drain(endpoint: string, deadlineMs: Duration): Promise<{ readonly left: number }>;
  observations(since: number): Promise<ObservationBatch>;
  /** What it remembers of a span of whole minutes in the last days. Absent: such a plane keeps nothing for so long. */
  past?(from: Instant, to: Instant): Promise<PastTraffic>;
}
