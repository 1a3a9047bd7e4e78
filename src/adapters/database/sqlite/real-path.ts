import { realpathSync } from "node:fs";

/** Where a file really lies that may be called by a link; of one that is not there, its name. */
export function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
