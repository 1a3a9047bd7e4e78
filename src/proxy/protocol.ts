/**
 * The proxy's control API: HTTP/1.1 with JSON over a unix socket of mode 0600.
 *
 * | request | answer |
 * |---|---|
 * | `GET /state` | 200 TrafficState |
 * | `PUT /table` TableWrite | 200 TrafficState once the table is on disk and in force · 409 `revision-conflict` · 412 `stale-epoch` · 422 `traffic-table-refused` · 507 `table-not-saved` |
 * | `POST /claim` `{ epoch }` | 200 `{ epoch }` · 412 `stale-epoch` |
 * | `POST /renew` `{ epoch }` | 200: the lease starts again (nothing to renew is fine too) · 409 `lease-ended`: it had ended and the plane is on stable · 412 |
 * | `POST /drain` `{ endpoint, deadlineMs }` | 200 `{ left }` when nothing is in flight or the deadline has passed (WebSockets get 1001 first) |
 * | `POST /pause` `{ forMs, max }`, `POST /resume` | 200 |
 * | `GET /observations?since=N` | 200 ObservationBatch; 0 is a reader that has read nothing yet |
 * | `GET /metrics` | Prometheus text |
 * | `GET /health/live`, `GET /health/ready` | 200 / 503 |
 *
 * Refusals carry a Fault: `{ "fault": { code, what, fix } }`.
 *
 * What an app gets beside the client's own headers: `X-Forwarded-For`, `-Proto`, `-Host` and `Forwarded` (what an address
 * of the internet says of itself there is replaced, what a private or loopback address says is added to), `X-Request-Id`
 * and `traceparent` (passed on, or made), and while a release runs `x-tidegate-cohort`: signed, and for passing on when it
 * calls another service of the app through the plane. Its version it knows from its environment (`TIDEGATE_VERSION`). All
 * other `x-tidegate-*` headers and the pin header end here, both ways. What a client gets of ours is the visitor's
 * cookie, and, on answers that are the plane's own and not the app's, `x-tidegate-error: CODE` (refusal.ts).
 *
 * The keeper forks `src/proxy/main` with `--state DIR` and an IPC channel, and sends a ListenerMessage with a handle for
 * each socket, then ListenersDone; the proxy answers ProxyReady. A handle is a bound TCP handle or a `net.Server`; the
 * keeper must not accept on it itself (bind without listening, as node:cluster does: then the proxy's `listen` makes
 * the socket listen, and it goes on listening while the proxy is away). Messages may come again at any time: a listener that is
 * open already gets the new time-outs and TLS files, and every ListenersDone is answered.
 * When the channel closes (the keeper died) the proxy goes on. Run by hand (`--listen HOST:PORT`) it binds itself.
 */
import type { Fault } from "../core/fault.ts";
import type { Listener, RoutingTable } from "../core/routing.ts";
import type { Duration } from "../core/time.ts";

/** Compare-and-set: refused with 409 unless `ifRevision` is in force. `table.revision` must be `ifRevision + 1`. */
export interface TableWrite {
  readonly ifRevision: number;
  readonly table: RoutingTable;
}

export const PROXY_SOCKET = "proxy.sock";
export const PROXY_TABLE_FILE = "routing-table.json";

export interface ProxyTimeouts {
  /** For a client to send a whole header. */
  readonly headersMs: Duration;
  /** For which a client's connection may lie idle between requests. */
  readonly idleMs: Duration;
  /** For an instance to accept a connection. */
  readonly connectMs: Duration;
}

/** Keeper → proxy, with the socket's handle. */
export interface ListenerMessage {
  readonly type: "listener";
  readonly listener: Listener;
  readonly timeouts: ProxyTimeouts;
}

/** Keeper → proxy: all listeners have been sent. */
export interface ListenersDone {
  readonly type: "listeners-done";
}

/** Proxy → keeper: the control socket answers and every listener accepts. */
export interface ProxyReady {
  readonly type: "ready";
}

/** Proxy → keeper: it can't serve, and ends. */
export interface ProxyFailed {
  readonly type: "failed";
  readonly fault: Fault;
}
