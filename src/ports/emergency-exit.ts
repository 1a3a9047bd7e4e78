import type { RoutingTable } from "../core/traffic/routing.ts";
import type { Clock } from "./clock.ts";
import type { EmergencyLog } from "./emergency-log.ts";
import type { HealthProbe } from "./health.ts";
import type { Traffic } from "./traffic.ts";

/**
 * What `rollback --now` works with, and nothing else: no engine, no journal, no network. Everything in it answers soon or
 * fails, because anything may hang.
 */
export interface EmergencyExit {
  readonly clock: Clock;
  readonly traffic: Pick<Traffic, "read" | "write" | "claim">;
  readonly health: HealthProbe;
  readonly log: EmergencyLog;
  readonly others: readonly EpochHolder[];
  readonly lastResort: LastResort;
}

/** Who besides the data plane knows an epoch. */
export interface EpochHolder {
  /** For people: `the keeper`. */
  readonly name: string;
  /** The highest that it knows; null: nothing of it is there. Rejects when it can't be asked. */
  readonly epoch: () => Promise<number | null>;
  /** From then on it refuses lower ones. Absent: it refuses nobody. */
  readonly claim?: (epoch: number) => Promise<void>;
}

/** What still works where the data plane answers nobody: what its next process begins with, and whoever starts that. */
export interface LastResort {
  /** null: there is none, or nothing can be made of it. Faults: state-not-readable. */
  read(): Promise<{ readonly table: RoutingTable; readonly epoch: number } | null>;
  /** Atomically, on disk. Throws FaultError. */
  write(table: RoutingTable): Promise<void>;
  /**
   * Ends a process that runs and does not answer, where another one will be started in its place, and waits for that.
   * Answers why nothing was ended or none came, in a sentence; null: one answers.
   */
  startAnew(): Promise<string | null>;
}
