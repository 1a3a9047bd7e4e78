import { constants } from "node:os";
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
  "Result",
  "ExecMainStartTimestampMonotonic",
  "ExecMainExitTimestampMonotonic",
  "ExecMainCode",
  "ExecMainStatus",
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
  const isAdopted = record.adopted !== undefined;
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
    ...(state === "exited" && wanted === "running" && !isAdopted ? { isLost: true as const } : {}),
    adopted: isAdopted,
  };
}

export function stateOf({ wanted }: UnitRecord, properties: UnitProperties | undefined): InstanceSeen["state"] {
  const { ActiveState: active, SubState: sub } = properties ?? {};
  switch (active ?? "unknown") {
    case "active":
    case "reloading":
      return "running";
    case "activating":
      return sub === "auto-restart" ? "backoff" : "starting";
    case "deactivating":
      // After a crash the rest of its processes is ended before it waits to be started again.
      return wanted === "stopped" ? "stopping" : "backoff";
    case "inactive":
    case "failed":
      // Not yet at a boot, while it waits for the network: then it is neither gone nor missed.
      return isQueued(properties) ? "starting" : "exited";
    default:
      // What systemd does not know.
      return "exited";
  }
}

/**
 * Crashes since it was last started by somebody: systemd counts one when the wait after it is over, and a moment before
 * the new start stands there as a job.
 */
export function crashesNow(properties: UnitProperties | undefined): number {
  const counted = Number(properties?.["NRestarts"] ?? 0) || 0;
  const isWaiting = properties?.["SubState"] === "auto-restart" && !isQueued(properties);
  return counted + (isWaiting ? 1 : 0);
}

/** systemd is about to do something with it. */
function isQueued(properties: UnitProperties | undefined): boolean {
  return Number(properties?.["Job"] ?? 0) > 0;
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

/** How the last life ended, as systemd tells it for as long as there is no new one. null: one lives, or there never was any. */
export function exitShown(
  properties: UnitProperties | undefined,
  { wall, monotonicMs }: Clocks,
): InstanceSeen["lastExit"] | null {
  const { Result = "", ExecMainCode = "0", ExecMainStatus = "0" } = properties ?? {};
  const ended = Number(properties?.["ExecMainExitTimestampMonotonic"] ?? 0) / 1_000;
  const how = HOW[ExecMainCode];
  if (how === undefined || ended === 0) return null;
  const name = Object.entries(constants.signals).find(([, number]) => number === Number(ExecMainStatus))?.[0];
  const status = how === "exited" ? ExecMainStatus : (name?.replace(/^SIG/, "") ?? ExecMainStatus);
  return exitOf(`${Result} ${how} ${status}`, Math.round(wall - (monotonicMs - ended)));
}

/** Of waitid(2). */
const HOW: Readonly<Record<string, string>> = { "1": "exited", "2": "killed", "3": "dumped" };

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
