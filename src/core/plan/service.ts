import type { Duration } from "../time/time.ts";
import type { ComposeRuntime } from "./compose.ts";

/** A part of the app with its own processes. Without a route it is a worker. */
export interface Service {
  readonly name: string;
  readonly replicas: number;
  readonly runtime: ProcessRuntime | ComposeRuntime | SystemdRuntime;
  /** Empty for a worker. */
  readonly routes: readonly Route[];
  /** Absent: the instance counts as ready when its process lives and (with a route) its port answers TCP. */
  readonly health?: Health;
  /** Added to the instance's environment. May hold `${...}` that is filled in at start, never at compile time. */
  readonly env: Readonly<Record<string, string>>;
  /** Workers only: candidate and stable may both run from the first shift on. */
  readonly overlap: boolean;
  /** How long requests in flight get at drain before the instance is told to stop. */
  readonly drainMs: Duration;
  /** SIGTERM to SIGKILL. */
  readonly stopMs: Duration;
  /** From process start to ready; longer is a failed start. */
  readonly startMs: Duration;
}

/** Made in a version's folder of its own, and started by a line. */
interface LineRuntime {
  /** Folder of the service inside the version's folder; "." for its root. */
  readonly directory: string;
  /** Shell lines, as the user wrote them; `${port} ${version} ${dir} ${slot}` are filled in. */
  readonly build?: string;
  /** Replaces the git worktree: makes `${dir}` by itself. */
  readonly prepare?: string;
  readonly run: string;
  /** Files copied from the plan file's folder into the version's folder (`.env`). */
  readonly files: readonly string[];
}

/** Own processes under the keeper. */
export interface ProcessRuntime extends LineRuntime {
  readonly kind: "process";
}

/** Own processes as systemd's services: the system's where Tidegate runs as root, else the user's. */
export interface SystemdRuntime extends LineRuntime {
  readonly kind: "systemd";
  /** Who runs it; absent: whoever Tidegate runs as. Of the system's services alone. */
  readonly user?: string;
  readonly group?: string;
  readonly slice?: string;
  /** As systemd writes them: `512M`, `80%`. */
  readonly memoryMax?: string;
  readonly cpuQuota?: string;
  /** Lines of the unit's `[Service]` section, after Tidegate's own. */
  readonly properties: Readonly<Record<string, readonly string[]>>;
}

/** Absent host: any. The longest path prefix wins. */
export interface Route {
  readonly host?: string;
  readonly path: string;
}

export interface Health {
  /** Paths on the instance. `ready` gates traffic; `live` restarts; `depends` is told, never acted on alone. */
  readonly ready: string;
  readonly live?: string;
  readonly depends?: string;
  readonly everyMs: Duration;
  readonly timeoutMs: Duration;
  /** Good answers in a row before it counts as ready; bad ones before it does not. */
  readonly rise: number;
  readonly fall: number;
  /** Wait before the first probe counts against it. */
  readonly delayMs: Duration;
}

/** A service whose instances are of one kind. */
export type ServiceOf<K extends Service["runtime"]["kind"]> = Service & {
  readonly runtime: Extract<Service["runtime"], { readonly kind: K }>;
};

export function isOfKind<K extends Service["runtime"]["kind"]>(
  ...kinds: readonly K[]
): (service: Service) => service is ServiceOf<K> {
  return (service): service is ServiceOf<K> => kinds.some((kind) => service.runtime.kind === kind);
}

/** A service that is built in its version's folder and started by a line, whoever runs it. */
export type LineService = ServiceOf<"process" | "systemd">;

export const isStartedByLine: (service: Service) => service is LineService = isOfKind("process", "systemd");

/** Whether its versions are commits, and not what its own `prepare` line or `image` understands. */
export function comesFromGit({ runtime }: Service): boolean {
  return runtime.kind === "compose" ? runtime.image === undefined : runtime.prepare === undefined;
}
