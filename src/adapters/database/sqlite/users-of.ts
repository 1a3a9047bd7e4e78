import { readdirSync, readlinkSync } from "node:fs";
import { commandOf } from "../../../local/process-table.ts";
import { realPathOf } from "./real-path.ts";

/** Other processes that have a file of SQLite open, in words, as far as the system tells. */
export function usersOf(path: string): readonly string[] {
  // The system knows files by where they really lie.
  const real = realPathOf(path);
  const names = new Set([real, `${real}-wal`]);
  return folderOf("/proc")
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .filter((pid) => folderOf(`/proc/${pid}/fd`).some((file) => names.has(linkOf(`/proc/${pid}/fd/${file}`))))
    .map((pid) => `process ${pid}: ${commandOf(Number(pid))}`);
}

function folderOf(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}
