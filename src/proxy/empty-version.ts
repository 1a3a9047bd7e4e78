import { setTimeout as delay } from "node:timers/promises";
import type { Duration } from "../core/time/time.ts";
import { askToClose } from "./drain.ts";
import type { LiveEndpoint } from "./live-endpoint.ts";
import type { Tally } from "./observations.ts";

const LOOK_MS: Duration = 5;

/**
 * Waits until a version has nothing in flight, and asks what would not end by itself to do so: WebSockets and event streams
 * get half of the time, then they are cut. Answers how many requests are left at the end.
 */
export async function emptyVersion(
  tally: Tally,
  endpoints: readonly LiveEndpoint[],
  withinMs: Duration,
  signal?: AbortSignal,
): Promise<number> {
  const startedAt = performance.now();
  for (const endpoint of endpoints) askToClose(endpoint, withinMs / 2);
  let hasCut = false;
  for (;;) {
    const left = tally.inFlight + tally.openTunnels;
    const lastedMs = performance.now() - startedAt;
    if (left === 0 || lastedMs >= withinMs || signal?.aborted === true) return left;
    if (!hasCut && lastedMs >= withinMs / 2) {
      hasCut = true;
      for (const { tunnels, streams } of endpoints) for (const each of [...tunnels, ...streams]) each.cut();
    }
    await delay(LOOK_MS);
  }
}
