/**
 * The keeper's control API: HTTP/1.1 with JSON over a unix socket of mode 0600.
 *
 * | request | answer |
 * |---|---|
 * | `GET /state` | 200 KeeperState |
 * | `POST /claim` `{ epoch }` | 200 · 412 `stale-epoch` |
 * | `PUT /proxy` ProxySpec | 200 once the sockets are open and the proxy answers on its control socket; idempotent · 409 `port-taken` (says who has it) |
 * | `PUT /instances/ID` InstanceSpec | 200 InstanceState once it is spawned; idempotent: the same spec again changes nothing |
 * | `DELETE /instances/ID?graceMs=N` | 200 InstanceState once its whole process group is gone (SIGTERM, then SIGKILL) |
 * | `GET /instances/ID/log?lines=N` | 200 `{ lines }` |
 * | `POST /stop` | 200, then everything is stopped and the keeper ends (`tidegate down`) |
 *
 * Writes carry the engine's epoch in the header `x-tidegate-epoch`; one lower than the highest claimed gets 412.
 * Refusals carry a Fault: `{ "fault": { code, what, fix } }`.
 */
import type { Listener } from "../core/routing.ts";
import type { Usage } from "../core/observation.ts";
import type { Instant } from "../core/time.ts";

export interface ProxySpec {
  readonly listeners: readonly Listener[];
  readonly timeouts: { readonly headersMs: number; readonly idleMs: number; readonly connectMs: number };
}

/** One process to run. `command` is the user's shell line, run by `/bin/sh -c` in a process group of its own. */
export interface InstanceSpec {
  readonly id: string;
  readonly command: string;
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** Free-form; comes back in the state (service, slot, version, address). */
  readonly labels: Readonly<Record<string, string>>;
  readonly restart: "on-crash" | "never";
}

export interface InstanceState {
  readonly spec: InstanceSpec;
  readonly state: "starting" | "running" | "backoff" | "stopping" | "exited";
  readonly pid?: number;
  readonly startedAt?: Instant;
  readonly restarts: number;
  readonly lastExit?: { readonly code: number | null; readonly signal: string | null; readonly at: Instant };
  readonly usage?: Usage;
  readonly logFile: string;
}

export interface KeeperState {
  readonly pid: number;
  readonly startedAt: Instant;
  readonly bootId: string;
  readonly version: string;
  readonly epoch: number;
  readonly proxy: {
    readonly spec: ProxySpec;
    readonly pid?: number;
    readonly state: "starting" | "running" | "backoff";
    readonly restarts: number;
  } | null;
  readonly instances: readonly InstanceState[];
}

export const KEEPER_SOCKET = "keeper.sock";
