import type { Server } from "node:http";
import { Server as NetServer } from "node:net";
import type { FaultSwitch } from "./faults.ts";
import type { Live } from "./live.ts";
import type { Store } from "./store.ts";

/** Kept-alive connections get this long to send what is already on its way; the answer tells them to close. */
const IDLE_GRACE_MS = 400;
/** Whoever is not done by then is cut off. */
const DEADLINE_MS = 1_700;

/** Shared with whoever answers requests. */
export interface StopState {
  asked: boolean;
  inFlight: number;
}

/** At SIGTERM or SIGINT: takes no new connection, finishes every request, closes the rest politely, ends within two seconds. */
export function stopOnSignal(
  server: Server,
  stop: StopState,
  open: { readonly live: Live; readonly faults: FaultSwitch; readonly store: Store },
): void {
  const begin = (): void => {
    if (stop.asked) return;
    stop.asked = true;
    // The HTTP server's own close would also cut idle connections, with requests perhaps already under way on them.
    NetServer.prototype.close.call(server, end);
    open.live.close();
    setTimeout(() => setInterval(hangUp, 25), IDLE_GRACE_MS);
    setTimeout(() => {
      console.error(`${stop.inFlight} requests did not end in time and are cut off`);
      end();
    }, DEADLINE_MS);
  };
  const hangUp = (): void => {
    server.closeIdleConnections();
    // What is left has never sent a whole request.
    if (stop.inFlight === 0) server.closeAllConnections();
  };
  const end = (): void => {
    open.faults.close();
    open.store.close();
    console.log("shop stopped");
    process.exit(0);
  };
  process.on("SIGTERM", begin);
  process.on("SIGINT", begin);
}
