import type { Duration } from "../core/time/time.ts";
import type { LiveEndpoint } from "./live-endpoint.ts";

/**
 * Lets an instance finish: nothing new goes to it, WebSockets are asked to close (1001), event streams end between two
 * events. Resolves when nothing is in flight, or at the deadline, with what is left; WebSockets and streams are cut then,
 * ordinary requests are left to the instance's own end.
 */
export function drain(endpoint: LiveEndpoint, deadlineMs: Duration): Promise<{ readonly left: number }> {
  endpoint.setDraining(true);
  askToClose(endpoint, deadlineMs);
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      endpoint.onEnded.delete(look);
      resolve({ left: endpoint.inFlight + endpoint.tunnels.size });
    };
    const look = (): void => {
      if (endpoint.isIdle) end();
    };
    const timer = setTimeout(() => {
      end();
      for (const each of [...endpoint.tunnels, ...endpoint.streams]) each.cut();
    }, deadlineMs);
    endpoint.onEnded.add(look);
    look();
  });
}

/** Asks what would not end by itself to do so. */
export function askToClose({ tunnels, streams }: LiveEndpoint, deadlineMs: Duration): void {
  for (const each of [...tunnels, ...streams]) each.askToClose(deadlineMs);
}
