import { statfs } from "node:fs/promises";
import { resolve } from "node:path";
import type { CheckResult } from "../../core/plan/checklist.ts";
import type { CheckOf, CheckSettings } from "./checker.ts";

/** Enough of the file system on which a path lies is free for ordinary users, by size, by part, or both. */
export async function checkDisk(
  { path, freeBytes, freePercent }: CheckOf<"disk">,
  _signal: AbortSignal,
  { directory }: CheckSettings,
): Promise<CheckResult> {
  const disk = await statfs(resolve(directory, path)).catch(
    (error: NodeJS.ErrnoException) => error.code ?? error.message,
  );
  if (typeof disk === "string") {
    return { passed: false, detail: disk === "ENOENT" ? `${path} does not exist` : `${path} can't be asked (${disk})` };
  }
  const free = disk.bavail * disk.bsize;
  // As df counts it: what is kept for root is neither used nor free.
  const usable = free + (disk.blocks - disk.bfree) * disk.bsize;
  const percent = usable === 0 ? 0 : (free / usable) * 100;
  const wanted: string[] = [];
  if (freeBytes !== undefined && free < freeBytes) wanted.push(formatBytes(freeBytes));
  if (freePercent !== undefined && percent < freePercent) wanted.push(`${freePercent}%`);
  const seen = `${path} has ${formatBytes(free)} free (${percent.toFixed(1)}%)`;
  return wanted.length === 0
    ? { passed: true, detail: seen }
    : { passed: false, detail: `${seen}, wanted ${wanted.join(" and ")}` };
}

function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1_000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power] ?? "B"}`;
}
