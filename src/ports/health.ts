import type { ProbeAnswer } from "../core/observation.ts";
import type { Duration } from "../core/time/time.ts";

/** Asks one question of one instance. Never throws: no answer is an answer. Redirects are not followed. */
export interface HealthProbe {
  http(url: string, timeoutMs: Duration): Promise<ProbeAnswer>;
  /** Whether something accepts a connection at `host:port`. */
  tcp(address: string, timeoutMs: Duration): Promise<ProbeAnswer>;
}
