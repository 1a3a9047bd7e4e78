import { readFileSync } from "node:fs";
import { totalmem } from "node:os";
import type { Usage } from "../../../core/observation.ts";
import { identify, type ProcessIdentity } from "../../../local/process-identity.ts";
import { usageMeter } from "../../../local/process-usage.ts";
import type { UnitProperties } from "./systemctl.ts";

export interface UnitUsage {
  /** Of units by name. What systemd does not account for is summed over the processes. */
  read(units: ReadonlyMap<string, UnitProperties>): ReadonlyMap<string, Usage>;
}

interface Look {
  readonly pid: string;
  readonly cpuNs: number;
  readonly at: number;
  readonly cpu: number;
}

/** Two looks that are closer than this share one: processor time over a few milliseconds means nothing. */
const FRESH_MS = 500;

export function unitUsage(): UnitUsage {
  const meter = usageMeter();
  const before = new Map<string, Look>();
  return {
    read(units) {
      const living = [...units].flatMap(([unit, { MainPID: pid }]) => {
        const identity = Number(pid) > 0 ? identify(Number(pid)) : null;
        return identity === null ? [] : [[unit, identity] as const];
      });
      const summed = meter.read(new Map<string, ProcessIdentity>(living));
      const usage = new Map<string, Usage>();
      for (const [unit] of living) {
        const properties = units.get(unit) ?? {};
        const family = summed.get(unit);
        if (family === undefined) continue;
        const look = cpuOf(properties, before.get(unit), family.cpu);
        if (look !== null) before.set(unit, look);
        usage.set(unit, { ...family, ...(look === null ? {} : { cpu: look.cpu }), ...memoryOf(properties, family) });
      }
      for (const unit of before.keys()) if (!usage.has(unit)) before.delete(unit);
      return usage;
    },
  };
}

/** null: it is not accounted for. The time of processes that have ended is in it. */
function cpuOf(
  { CPUUsageNSec, MainPID: pid = "" }: UnitProperties,
  before: Look | undefined,
  family: number,
): Look | null {
  const cpuNs = amount(CPUUsageNSec);
  if (cpuNs === null) return null;
  const at = performance.now();
  // The count goes on over restarts, so the first look at a life has nothing to be held against but its processes.
  if (before?.pid !== pid) return { pid, cpuNs, at, cpu: family };
  if (at - before.at < FRESH_MS) return before;
  return { pid, cpuNs, at, cpu: Math.max(0, cpuNs - before.cpuNs) / 1_000_000 / (at - before.at) };
}

/** Without the pages of files that the kernel gives up at once: an app that reads many files needs no more memory for it. */
function memoryOf({ MemoryCurrent, MemoryMax, ControlGroup = "" }: UnitProperties, family: Usage): Partial<Usage> {
  const limit = amount(MemoryMax) ?? totalmem();
  const current = amount(MemoryCurrent);
  const caches = current === null ? null : inactiveFiles(ControlGroup);
  const rssBytes = current === null || caches === null ? family.rssBytes : Math.max(0, current - caches);
  return amount(MemoryMax) === null && rssBytes === family.rssBytes ? {} : { rssBytes, memory: rssBytes / limit };
}

/** null: the group's own figures can't be read. */
function inactiveFiles(group: string): number | null {
  if (group === "") return null;
  for (const root of ["/sys/fs/cgroup", "/sys/fs/cgroup/memory"]) {
    try {
      const found = /^(?:total_)?inactive_file (\d+)$/m.exec(readFileSync(`${root}${group}/memory.stat`, "utf8"));
      if (found !== null) return Number(found[1]);
    } catch {
      continue;
    }
  }
  return null;
}

/** `[not set]` and `infinity` are none; 18446744073709551615 is how older ones write that. */
function amount(text: string | undefined): number | null {
  if (text === undefined || !/^\d+$/.test(text)) return null;
  const value = Number(text);
  return value >= 2 ** 63 ? null : value;
}
