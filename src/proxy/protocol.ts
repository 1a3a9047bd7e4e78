/**
 * The proxy's control API: HTTP/1.1 with JSON over a unix socket of mode 0600.
 *
 * | request | answer |
 * |---|---|
 * | `GET /state` | 200 TrafficState |
 * | `PUT /table` TableWrite | 200 TrafficState once the table is on disk and in force · 409 `revision-conflict` · 412 `stale-epoch` · 422 |
 * | `POST /claim` `{ epoch }` | 200 `{ epoch }` · 412 `stale-epoch` |
 * | `POST /renew` `{ epoch }` | 200: the lease starts again · 412 |
 * | `POST /drain` `{ endpoint, deadlineMs }` | 200 `{ left }` when nothing is in flight or the deadline has passed (WebSockets get 1001 first) |
 * | `POST /pause` `{ forMs, max }`, `POST /resume` | 200 |
 * | `GET /observations?since=N` | 200 ObservationBatch |
 * | `GET /metrics` | Prometheus text |
 * | `GET /health/live`, `GET /health/ready` | 200 / 503 |
 *
 * Refusals carry a Fault: `{ "fault": { code, what, fix } }`.
 */
import type { RoutingTable } from "../core/routing.ts";

/** Compare-and-set: refused with 409 unless `ifRevision` is in force. `table.revision` must be `ifRevision + 1`. */
export interface TableWrite {
  readonly ifRevision: number;
  readonly table: RoutingTable;
}

export const PROXY_SOCKET = "proxy.sock";
export const PROXY_TABLE_FILE = "routing-table.json";
