import { accessSync, constants, statfsSync } from "node:fs";

/** SQLite keeps a page of its own in hand, so it fails before the last byte is gone. */
const FULL_BYTES = 128 * 1024;

/** Why a journal in this folder could not be written; null: nothing can be seen that would be in its way. */
export function whyUnwritable(folder: string): "full" | "closed" | null {
  if (freeBytes(folder) < FULL_BYTES) return "full";
  return isWritable(folder) ? null : "closed";
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
