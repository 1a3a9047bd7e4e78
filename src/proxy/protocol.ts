/**
 * The proxy's control API: HTTP/1.1 with JSON over a unix socket of mode 0600.
 *
 * | request | answer |
 * |---|---|
 * | `GET /state` | 200 TrafficState |
 * | `PUT /table` TableWrite | 200 TrafficState once the table is on disk and in force; where it knows a pause, after requests of the version that goes have ended · 409 `revision-conflict`, `switch-not-drained` · 412 `stale-epoch` · 422 `traffic-table-refused` · 507 `table-not-saved` |
 * | `POST /claim` `{ epoch }` | 200 `{ epoch }` · 412 `stale-epoch` |
 * | `POST /renew` `{ epoch }` | 200: the lease starts again (nothing to renew is fine too) · 409 `lease-ended`: it had ended and the plane is on stable · 412 |
 * | `POST /drain` `{ endpoint, deadlineMs }` | 200 `{ left }` when nothing is in flight or the deadline has passed (WebSockets get 1001 first) |
 * | `POST /pause` `{ forMs, max }`, `POST /resume` | 200 |
 * | `GET /observations?since=N[&earlier=PROXY:N]…` | 200 ProxyObservations; 0 is a reader that has read nothing yet |
 * | `GET /past?from=MS&to=MS` | 200 PastTraffic: sums of whole minutes, of the last week · 422 |
 * | `GET /sockets`, upgraded to `tidegate-sockets` | its listening sockets, over a channel of Node's: for a keeper that did not start it |
 * | `GET /metrics` | Prometheus text |
 * | `GET /health/live`, `GET /health/ready` | 200 / 503 |
 *
 * Refusals carry a Fault: `{ "fault": { code, what, fix } }`.
 *
 * Each process answers on a socket of its own (`proxy-PID.sock`); `proxy.sock` is a link to that of the one in charge. A
 * new one takes over from the one before (hand-over.ts): both serve until the old one has finished, the new one alone is
 * written to, and a change is acknowledged when both have it. What reaches the old one meanwhile is passed on to the new
 * one, but for these, which the new one itself asks with the header `x-tidegate-successor`:
 *
 * | request | answer |
 * |---|---|
 * | `POST /hand-over` `{ socket, pid }` | 200: one line HandOver, and the answer stays open: its end tells either side that the other has ended · 409 `has-successor` |
 * | `PUT /follow` FollowedTable | 200 once it is in force |
 * | `POST /leave` LeaveWithin | 200 when it accepts no more; then it finishes and ends |
 * | `POST /empty` `{ version, withinMs }` | 200 `{ left }` when the version has nothing in flight, or the time is over |
 * | `POST /drain`, `POST /pause`, `POST /resume`, `GET /state`, `GET /observations` | as above, of what it has itself |
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
import type { ObservationBatch } from "../core/observation.ts";
import type { Listener, RoutingTable } from "../core/traffic/routing.ts";
import type { Duration, Instant } from "../core/time/time.ts";

/** Compare-and-set: refused with 409 unless `ifRevision` is in force. `table.revision` must be `ifRevision + 1`. */
export interface TableWrite {
  readonly ifRevision: number;
  readonly table: RoutingTable;
}

/** With the figures of processes that were in charge before: rows are keyed by (proxy, sequence), whoever hands them on. */
export interface ProxyObservations extends ObservationBatch {
  readonly earlier?: readonly EarlierObservations[];
}

export type EarlierObservations = Pick<ObservationBatch, "proxy" | "next" | "rows" | "lost">;

/** What an old process must put in force for a change to count as made. */
export interface FollowedTable {
  readonly table: RoutingTable;
  readonly returnedAt: Instant | null;
}

/** What a process that goes may still take. */
export interface LeaveWithin {
  /** For WebSockets and event streams, until they are asked to close (1001; between two events). */
  readonly longLivedMs: Duration;
  /** For ordinary requests, however long their bodies; then what is left is cut. */
  readonly requestsMs: Duration;
}

export const LEAVE_WITHIN: LeaveWithin = { longLivedMs: 60_000, requestsMs: 600_000 };

export const SUCCESSOR_HEADER = "x-tidegate-successor";

export const PROXY_SOCKET = "proxy.sock";
export const PROXY_TABLE_FILE = "routing-table.json";
/** With sums of each minute, a file a day. */
export const TRAFFIC_FOLDER = "traffic";

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

/** Keeper → proxy: all listeners have been sent. One that took over tells the process before it to leave. */
export interface ListenersDone {
  readonly type: "listeners-done";
  /** By default LEAVE_WITHIN. */
  readonly leaveWithin?: LeaveWithin;
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
