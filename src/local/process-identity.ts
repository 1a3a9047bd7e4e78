import { readFileSync } from "node:fs";

/** A process that can't be mistaken for a later one with the same pid. */
export interface ProcessIdentity {
  readonly bootId: string;
  readonly pid: number;
  /** Clock ticks after boot at which it started (/proc/PID/stat, field 22). */
  readonly startTicks: number;
}

export function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    // Not Linux: pids alone must do.
    return "unknown";
  }
}

/** Identity of a living process; null when it is gone or a zombie (`kill(pid, 0)` still succeeds on those). */
export function identify(pid: number): ProcessIdentity | null {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return null;
  }
  // The name in brackets may itself hold spaces and brackets: fields count from after the last one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const state = fields[0];
  if (state === "Z" || state === "X") return null;
  return { bootId: bootId(), pid, startTicks: Number(fields[19]) };
}

export function isSameProcess(identity: ProcessIdentity): boolean {
  const now = identify(identity.pid);
  return now !== null && now.bootId === identity.bootId && now.startTicks === identity.startTicks;
}
