import type { Fault } from "../core/fault.ts";
import type { InstanceSeen, Slot } from "../core/observation.ts";
import type { Service } from "../core/plan/service.ts";

/** What runs instances. Every method throws FaultError; `runtime-unreachable` when it can't be asked. */
export interface Runtime {
  /** Later writes of lower epochs are refused. Faults: stale-epoch. */
  claim(epoch: number): Promise<void>;
  /**
   * Makes the version's folder and builds each service in it, once; a second call finds it made.
   * Faults: unknown-version, build-failed (with the last lines), file-missing (`.env`).
   */
  prepare(
    version: string,
    services: readonly Service[],
    signal: AbortSignal,
  ): Promise<{ readonly directory: string; readonly tookMs: number; readonly built: boolean }>;
  /**
   * Starts one replica, or finds it running: the same (version, slot, service, index) twice is one process.
   * Does not wait until it is ready. Faults: instance-not-started.
   */
  start(order: StartOrder): Promise<InstanceSeen>;
  /** SIGTERM to the process group, SIGKILL after `stopMs`. Gone already: resolves at once. */
  stop(instance: string, stopMs: number): Promise<StopOutcome>;
  /** Every instance of the app and environment, stopped ones with their last exit for a while. */
  instances(): Promise<readonly InstanceSeen[]>;
  /** The last lines that the instance wrote, oldest first. */
  log(instance: string, lines: number): Promise<readonly string[]>;
  /** Why an instance did not get ready: what it exited with, where it listens instead, what its log says. */
  explain(instance: string): Promise<Fault>;
  /** Takes an instance that already runs as stable. Never restarted. Faults: nothing-listens, adopt-own-port. */
  adopt(order: AdoptOrder): Promise<InstanceSeen>;
  /**
   * Starts again what was taken over and has been stopped since, where that can be done (a container is still there, a
   * process is not). Does not wait until it is ready.
   */
  resume(order: ResumeOrder): Promise<void>;
  /** Removes prepared versions beyond the newest `keep`, never one that runs. */
  prune(keep: number, inUse: readonly string[]): Promise<readonly string[]>;
  /** Subjects of the commits between two versions, newest first; empty where there is no history. */
  commits(from: string, to: string): Promise<readonly string[]>;
  /**
   * The full name of what a user calls a version (`HEAD` → a sha), where these services are released; by default those
   * that the runtime was made for. Faults: unknown-version.
   */
  resolve(
    version: string,
    services?: readonly Service[],
  ): Promise<{ readonly version: string; readonly label: string }>;
}

export interface ResumeOrder {
  readonly version: string;
  readonly slot: Slot;
  readonly services: readonly string[];
}

export interface StopOutcome {
  /** A sentence, when an adopted process was left alone or came back: which, and why. */
  readonly leftRunning?: string;
  /** It did not end within its time after SIGTERM. */
  readonly wasKilled?: true;
}

export interface AdoptOrder {
  readonly app: string;
  readonly environment: string;
  readonly service: string;
  /** `host:port`. */
  readonly address: string;
  readonly version: string;
  readonly slot: Slot;
}

export interface StartOrder {
  readonly app: string;
  readonly environment: string;
  readonly service: Service;
  readonly version: string;
  readonly slot: Slot;
  /** Which replica, from 0. */
  readonly index: number;
  /** `active` when it is to take traffic at once (first release), else `inactive`. */
  readonly role: "active" | "inactive";
  /** Where its version was prepared. */
  readonly directory: string;
  /** Values for `${UPPER}` in env and run; secrets included, so never written anywhere. */
  readonly secrets: Readonly<Record<string, string>>;
}
