import { existsSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";

/**
 * The epoch in a journal, read without making, locking or mending anything; null without a journal. Throws where it
 * can't be read as it lies.
 */
export function readEpoch(path: string): number | null {
  if (!existsSync(path)) return null;
  const url = pathToFileURL(path);
  try {
    return epochIn(new DatabaseSync(path, { readOnly: true, timeout: 50 }));
  } catch {
    // On a full or read-only disk SQLite can't make the side files that it wants even to read.
    url.searchParams.set("immutable", "1");
    return epochIn(new DatabaseSync(url, { readOnly: true }));
  }
}

function epochIn(database: DatabaseSync): number {
  try {
    return Number(database.prepare("SELECT epoch FROM epochs").get()?.["epoch"] ?? 0);
  } finally {
    database.close();
  }
}
