import type { InstanceSeen, Usage } from "../../../core/observation.ts";
import type { UnitRecord } from "./unit-records.ts";
import type { UnitProperties } from "./systemctl.ts";

/** What systemd is asked of each instance. */
export const PROPERTIES = [
  "LoadState",
  "ActiveState",
  "SubState",
  "Job",
  "MainPID",
  "NRestarts",
  "ExecMainStartTimestampMonotonic",
  "ControlGroup",
  "CPUUsageNSec",
  "MemoryCurrent",
  "MemoryMax",
] as const;

/** How a life ended, as the unit noted it itself, and how often one has. */
export interface Ends {
  readonly crashes: number;
  readonly last: InstanceSeen["lastExit"] | null;
}

/** What a unit is for the engine of releases. */
export function unitSeen(
  record: UnitRecord,
  properties: UnitProperties | undefined,
  { crashes, last }: Ends,
  usage: Usage | null,
  now: Clocks,
): InstanceSeen {
  const { id, service, slot, version, address, wanted } = record;
  const state = stateOf(record, properties);
  const pid = Number(properties?.["MainPID"] ?? 0);
  const startedAt = startOf(properties, now);
  return {
    id,
    service,
    slot,
    version,
    ...(address === undefined ? {} : { address }),
    state,
    ...(pid > 0 ? { pid } : {}),
    ...(startedAt === undefined ? {} : { startedAt }),
    restarts: crashes,
    ...(last === null || last === undefined ? {} : { lastExit: last }),
    ...(usage === null ? {} : { usage }),
    // Somebody else stopped it (systemctl stop), or it has not been started yet after a reboot.
    ...(state === "exited" && wanted === "running" ? { isLost: true as const } : {}),
    adopted: false,
  };
}

export function stateOf({ wanted }: UnitRecord, properties: UnitProperties | undefined): InstanceSeen["state"] {
  const { ActiveState: active, SubState: sub } = properties ?? {};
  switch (active ?? "inactive") {
    case "active":
    case "reloading":
      return "running";
    case "activating":
      return sub === "auto-restart" ? "backoff" : "starting";
    case "deactivating":
      // After a crash the rest of its processes is ended before it waits to be started again.
      return wanted === "stopped" ? "stopping" : "backoff";
    default:
      // `inactive`, `failed`, and what systemd does not know.
      return "exited";
  }
}

/**
 * Crashes since it was last started by somebody: systemd counts one when the wait after it is over, and a moment before
 * the new start stands there as a job.
 */
export function crashesNow(properties: UnitProperties | undefined): number {
  const counted = Number(properties?.["NRestarts"] ?? 0) || 0;
  const job = properties?.["Job"] ?? "";
  const isWaiting = properties?.["SubState"] === "auto-restart" && (job === "" || job === "0");
  return counted + (isWaiting ? 1 : 0);
}

/** Both at the same moment; systemd tells times of the second one, in microseconds. */
export interface Clocks {
  readonly wall: number;
  readonly monotonicMs: number;
}

export function clocks(): Clocks {
  return { wall: Date.now(), monotonicMs: Number(process.hrtime.bigint() / 1_000_000n) };
}

function startOf(properties: UnitProperties | undefined, { wall, monotonicMs }: Clocks): number | undefined {
  const started = Number(properties?.["ExecMainStartTimestampMonotonic"] ?? 0) / 1_000;
  return started > 0 ? Math.round(wall - (monotonicMs - started)) : undefined;
}

/**
 * `exit-code exited 7`, as the unit wrote it: systemd's result, how the process ended, and its code or signal. null: it
 * never had a process.
 */
export function exitOf(text: string, at: number): InstanceSeen["lastExit"] | null {
  const [result = "", how = "", status = ""] = text.trim().split(" ");
  if (result === "") return null;
  const isKilled = how === "killed" || how === "dumped";
  const code = how === "exited" && /^\d+$/.test(status) ? Number(status) : null;
  return {
    code,
    signal: isKilled ? `SIG${status}` : null,
    at,
    ...(result === "oom-kill" ? { outOfMemory: true as const } : {}),
  };
}
