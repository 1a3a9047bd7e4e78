import { setTimeout as delay } from "node:timers/promises";
import type { Duration } from "../core/time/time.ts";
import { askToClose } from "./drain.ts";
import type { EndpointRegistry } from "./endpoint-registry.ts";
import type { LeaveWithin } from "./protocol.ts";

/** Between asking a WebSocket or an event stream to close, and cutting it. */
const CLOSE_WITHIN_MS: Duration = 5_000;
const LOOK_MS: Duration = 250;

/**
 * Waits for a process's last connections: requests as long as they take, WebSockets and event streams for a while, after
 * which they are asked to close and then cut. Resolves when `gone` does, or when the time is over.
 */
export async function depart(
  gone: Promise<unknown>,
  endpoints: EndpointRegistry,
  { longLivedMs, requestsMs }: LeaveWithin,
): Promise<void> {
  const startedAt = performance.now();
  // Again and again: one may have been opened on a kept connection after the others were asked.
  const timer = setInterval(() => {
    const lastedMs = performance.now() - startedAt;
    for (const endpoint of endpoints.all()) {
      if (lastedMs >= longLivedMs) askToClose(endpoint, CLOSE_WITHIN_MS);
      if (lastedMs < longLivedMs + CLOSE_WITHIN_MS) continue;
      for (const each of [...endpoint.tunnels, ...endpoint.streams]) each.cut();
    }
  }, LOOK_MS);
  await Promise.race([gone, delay(requestsMs, undefined, { ref: false })]);
  clearInterval(timer);
}
