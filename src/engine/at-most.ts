import type { Duration } from "../core/time/time.ts";
import type { Clock } from "../ports/clock.ts";

/** Waits for all of them, but no longer. A timer that is left behind would keep the process from ending. */
export async function atMost(clock: Clock, ms: Duration, ended: readonly Promise<void>[]): Promise<void> {
  const enough = new AbortController();
  await Promise.race([Promise.all(ended), clock.sleep(ms, enough.signal)]);
  enough.abort(new Error("nothing is left to wait for"));
}
