/**
 * The keeper's control API: HTTP/1.1 with JSON over a unix socket of mode 0600.
 *
 * | request | answer |
 * |---|---|
 * | `GET /state` | 200 KeeperState |
 * | `POST /claim` `{ epoch }` | 200 `{ epoch }` once it is on disk · 412 `stale-epoch` |
 * | `PUT /proxy` ProxySpec | 200 KeeperState once the sockets are open and the proxy is ready; idempotent · 409 `port-taken` (says who has it), `proxy-still-leaving` · 422 `port-not-allowed`, `address-not-here`, `proxy-not-started` |
 * | `POST /proxy/restart` LeaveWithin | 200 KeeperState once a new process has taken over; what the old one has in flight finishes there · 409 `no-proxy`, `proxy-still-leaving` (the one before the last still finishes what it has) · 422 `proxy-not-started`: the old one serves on |
 * | `PUT /instances/ID` InstanceSpec | 200 InstanceState once it is spawned. One that lives (or waits for its restart) is left as it is and answered: to change its spec, DELETE it first · 422 `instance-not-started` |
 * | `DELETE /instances/ID?graceMs=N` | 200 InstanceState once its whole process family is gone (SIGTERM, then SIGKILL) · 404 `unknown-instance` |
 * | `GET /instances/ID/log?lines=N` | 200 `{ lines }`, secrets hidden · 404 |
 * | `POST /leave` | 200 `{ secrets }`, then the keeper ends, alone: another one takes over, and gets with it what no file may hold · 409 `keeper-stops` |
 * | `POST /stop` | 200, then everything is stopped, what was stopped is forgotten, and the keeper ends (`tidegate down`) |
 *
 * Writes carry the engine's epoch in the header `x-tidegate-epoch`; one lower than the highest met gets 412, a higher one
 * is the highest from then on. A write without it comes from a person (`tidegate down`) and is not fenced. Refusals carry a Fault: `{ "fault": { code, what, fix } }`.
 */
import type { Usage } from "../core/observation.ts";
import type { Listener } from "../core/traffic/routing.ts";
import type { Instant } from "../core/time/time.ts";

export interface ProxySpec {
  readonly listeners: readonly Listener[];
  readonly timeouts: { readonly headersMs: number; readonly idleMs: number; readonly connectMs: number };
}

/** One process to run. `command` is the user's shell line, run by `/bin/sh -c` (as `exec …` where it is one command) in a session and process group of its own. */
export interface InstanceSpec {
  readonly id: string;
  readonly command: string;
  readonly directory: string;
  /** Its whole environment, together with `secretEnv`: nothing of the keeper's own is passed on. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * The part that must not be written down: the keeper has it in memory only. A keeper that adopts the instance reads it
   * back from the living process; if that has ended meanwhile and `secretTexts` can't be filled in, somebody has to PUT it
   * again.
   */
  readonly secretEnv?: Readonly<Record<string, string>>;
  /**
   * The same as the plan has it, with `${NAME}` for each value. Where nobody knows the values any more (after a boot), a
   * keeper that has all those names in its own environment fills them in from there.
   */
  readonly secretTexts?: Readonly<Record<string, string>>;
  /** Free-form; comes back in the state (service, slot, version, address). */
  readonly labels: Readonly<Record<string, string>>;
  readonly restart: "on-crash" | "never";
  /** Asked by the keeper itself, so that a hung process is started again with no engine there. */
  readonly liveness?: Liveness;
}

/** Anything but 2xx and 3xx, so often in a row, ends the process. */
export interface Liveness {
  readonly url: string;
  readonly everyMs: number;
  readonly timeoutMs: number;
  readonly fall: number;
  /** From the start of the process until a bad answer counts. */
  readonly delayMs: number;
  /** The same for a process that has not answered well yet: it may still be starting. Absent: as `delayMs`. */
  readonly startMs?: number;
}

export type PublicInstanceSpec = Omit<InstanceSpec, "secretEnv">;

export interface InstanceState {
  readonly spec: PublicInstanceSpec;
  readonly state: "starting" | "running" | "backoff" | "stopping" | "exited";
  readonly pid?: number;
  readonly startedAt?: Instant;
  /** Crashes since it was first started. */
  readonly restarts: number;
  /** Code and signal are both null when it ended while no keeper was there to be told. */
  readonly lastExit?: { readonly code: number | null; readonly signal: string | null; readonly at: Instant };
  /** It was stopped, and did not end by itself within its grace. */
  readonly wasKilled?: true;
  readonly usage?: Usage;
  readonly logFile: string;
  /** It ended while no keeper lived, and its secrets with it; the keeper's environment lacks them: only a new PUT starts it again. */
  readonly needsSecrets: boolean;
}

export interface KeeperState {
  readonly pid: number;
  readonly startedAt: Instant;
  readonly bootId: string;
  readonly version: string;
  readonly epoch: number;
  /** Listening sockets that systemd has opened for it. Absent: of an older keeper. */
  readonly given?: readonly { readonly host: string; readonly port: number }[];
  readonly proxy: {
    readonly spec: ProxySpec;
    readonly pid?: number;
    readonly state: "starting" | "running" | "backoff" | "stopping" | "exited";
    readonly restarts: number;
    readonly lastExit?: { readonly code: number | null; readonly signal: string | null; readonly at: Instant };
    /**
     * The keeper itself holds the listening sockets, so that none is refused while the proxy is away. False for a proxy
     * that a new keeper adopted: there the sockets are opened again when it ends.
     */
    readonly holdsSockets: boolean;
    /** Processes that another one took over from: they finish what they have, at most until then. */
    readonly leaving: readonly { readonly pid: number; readonly until: Instant }[];
    readonly logFile: string;
  } | null;
  readonly instances: readonly InstanceState[];
}

export const KEEPER_SOCKET = "keeper.sock";
export const KEEPER_RECORD_FILE = "keeper.json";
export const KEEPER_LOCK_FILE = "keeper.lock";
export const LOG_FOLDER = "logs";
export const EPOCH_HEADER = "x-tidegate-epoch";
