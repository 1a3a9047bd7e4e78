import type { Duration, Instant } from "../core/time/time.ts";

/** Time from outside. Tests move it by hand. */
export interface Clock {
  /** Wall time; may jump. */
  wall(): Instant;
  /** Milliseconds of a clock that never jumps and means nothing outside this process. */
  monotonic(): number;
  /** Resolves after the time; rejects with the signal's reason when aborted. */
  sleep(duration: Duration, signal?: AbortSignal): Promise<void>;
}
