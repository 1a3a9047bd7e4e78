import { readdirSync } from "node:fs";
import { totalmem, uptime } from "node:os";
import type { Usage } from "../core/observation.ts";
import { familyOf } from "./process-family.ts";
import type { ProcessIdentity } from "./process-identity.ts";
import { listProcesses, ticksPerSecond } from "./process-table.ts";

/** Two looks that are closer than this share one: processor time over a few milliseconds means nothing. */
const FRESH_MS = 500;

export interface UsageMeter {
  /** What each living program uses, its whole family summed; absent where the system doesn't tell. */
  read(programs: ReadonlyMap<string, ProcessIdentity>): ReadonlyMap<string, Usage>;
}

/** Measures on demand only: nobody asks, nothing is spent. */
export function usageMeter(): UsageMeter {
  let last: ReadonlyMap<string, Look> = new Map();
  let lookedAt = -Infinity;
  return {
    read(programs) {
      if (process.platform !== "linux") return new Map();
      const known = [...programs.keys()].every((id) => last.get(id)?.startTicks === programs.get(id)?.startTicks);
      if (!known || performance.now() - lookedAt >= FRESH_MS) {
        last = look(programs, last);
        lookedAt = performance.now();
      }
      return new Map([...last].map(([id, { usage }]) => [id, usage]));
    },
  };
}

interface Look {
  readonly startTicks: number;
  readonly cpuTicks: number;
  readonly monotonic: number;
  readonly usage: Usage;
}

function look(programs: ReadonlyMap<string, ProcessIdentity>, before: ReadonlyMap<string, Look>): Map<string, Look> {
  const table = listProcesses();
  const monotonic = performance.now();
  const at = Date.now();
  const looks = new Map<string, Look>();
  for (const [id, identity] of programs) {
    const family = familyOf(identity, table);
    if (family.length === 0) continue;
    const previous = before.get(id)?.startTicks === identity.startTicks ? before.get(id) : undefined;
    const cpuTicks = family.reduce((sum, row) => sum + row.cpuTicks, 0);
    const rssBytes = family.reduce((sum, row) => sum + row.rssBytes, 0);
    const usage: Usage = {
      cpu: coresUsed(cpuTicks, monotonic, identity, previous),
      rssBytes,
      memory: rssBytes / memoryLimit(),
      openFiles: family.reduce((sum, row) => sum + openFiles(row.pid), 0),
      at,
    };
    looks.set(id, { startTicks: identity.startTicks, cpuTicks, monotonic, usage });
  }
  return looks;
}

function coresUsed(cpuTicks: number, monotonic: number, identity: ProcessIdentity, previous: Look | undefined): number {
  const seconds =
    previous === undefined
      ? uptime() - identity.startTicks / ticksPerSecond()
      : (monotonic - previous.monotonic) / 1_000;
  // A child that ended unwaited for takes its time with it: the sum may shrink.
  const ticks = Math.max(0, cpuTicks - (previous?.cpuTicks ?? 0));
  return seconds <= 0 ? 0 : ticks / ticksPerSecond() / seconds;
}

/** The container's limit where one is set, else the machine's memory. Bytes. */
function memoryLimit(): number {
  const container = process.constrainedMemory();
  return container > 0 && container < totalmem() ? container : totalmem();
}

function openFiles(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}
