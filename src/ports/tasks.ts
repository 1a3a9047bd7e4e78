import type { CheckResult, MachineCheck } from "../core/plan/checklist.ts";
import type { Warm } from "../core/plan/step.ts";
import type { ToBeReleased } from "../core/rehearsal/evidence.ts";
import type { SmokeFlow, SmokeOutcome } from "../core/smoke/smoke.ts";
import type { Duration } from "../core/time/time.ts";

/** Where a flow's requests go. `headers` are added to each (the pin, through the front door). */
export interface Target {
  /** `http://127.0.0.1:9001`, by service; no trailing slash. */
  readonly baseUrls: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly version: string;
  /** Through TLS of our own front door, whose name the certificate need not carry. */
  readonly insecureTls: boolean;
}

export interface SmokeRunner {
  /** Never throws for a failing app: the outcome says it. Clean-up always runs, also when aborted. */
  run(flows: readonly SmokeFlow[], target: Target, signal: AbortSignal): Promise<SmokeOutcome>;
}

export interface Warmer {
  /** Visits until warm or until the bound. `slowestMs` is the slowest page of the last round. */
  warm(
    warm: Warm,
    target: Target,
    signal: AbortSignal,
  ): Promise<{
    readonly warm: boolean;
    readonly rounds: number;
    readonly slowestMs: Duration;
    readonly detail: string;
  }>;
}

export interface Checker {
  /** Never throws: what can't be found out has not passed, and says why. */
  check(check: MachineCheck, signal: AbortSignal, of: ToBeReleased): Promise<CheckResult>;
}

export interface CommandRunner {
  /**
   * Runs a shell line in the plan file's folder, its own process group, killed whole at the time-out.
   * `output` is the last lines of both streams, cleaned of secrets.
   */
  run(
    command: string,
    options: {
      readonly env: Readonly<Record<string, string>>;
      readonly timeoutMs: Duration;
      readonly signal: AbortSignal;
    },
  ): Promise<{
    readonly code: number | null;
    readonly signal: string | null;
    readonly timedOut: boolean;
    readonly output: readonly string[];
    readonly tookMs: Duration;
  }>;
}
