import { readFileSync } from "node:fs";
import { readProcess } from "./process-table.ts";

/** A process that can't be mistaken for a later one with the same pid. */
export interface ProcessIdentity {
  readonly bootId: string;
  readonly pid: number;
  /** Clock ticks after boot at which it started (/proc/PID/stat, field 22); elsewhere than on Linux, seconds since 1970. */
  readonly startTicks: number;
}

let thisBoot: string | undefined;

export function bootId(): string {
  thisBoot ??= readBootId();
  return thisBoot;
}

function readBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    // Not Linux: start times are wall time there, and tell one boot from another by themselves.
    return "unknown";
  }
}

/** Identity of a living process; null when it is gone or a zombie (`kill(pid, 0)` still succeeds on those). */
export function identify(pid: number): ProcessIdentity | null {
  const row = readProcess(pid);
  return row === null || row.isZombie ? null : { bootId: bootId(), pid, startTicks: row.startTicks };
}

export function isSameProcess(identity: ProcessIdentity): boolean {
  const now = identify(identity.pid);
  return now !== null && now.bootId === identity.bootId && now.startTicks === identity.startTicks;
}
