import type { Fault } from "../../../src/core/fault.ts";
import type { Duration } from "../../../src/core/time/time.ts";

/** How one version of the app behaves. */
export interface Behaviour {
  readonly prepareMs: Duration;
  /** So many attempts to prepare it fail; Infinity: all. */
  readonly prepareFails: number;
  readonly startFails: boolean;
  /** From the begin of each life. */
  readonly readyAfterMs: Duration | "never";
  /** Each life ends after this long. */
  readonly crashAfterMs: Duration | null;
  /** So long after its first life began it answers no more that it is ready, for ever. */
  readonly unreadyAfterMs: Duration | null;
  /** Part of the requests that fail. */
  readonly badShare: number;
  readonly latencyMs: number;
  readonly smokeFails: boolean;
  readonly warm: boolean;
  readonly memory: number;
  /** What a source of figures says of it. */
  readonly failedJobs: number;
}

export const GOOD: Behaviour = {
  prepareMs: 200,
  prepareFails: 0,
  startFails: false,
  readyAfterMs: 400,
  crashAfterMs: null,
  unreadyAfterMs: null,
  badShare: 0,
  latencyMs: 20,
  smokeFails: false,
  warm: true,
  memory: 0.1,
  failedJobs: 0,
};

export function fault(code: string, what: string): Fault {
  return { code, what, fix: "look at the simulated world" };
}
