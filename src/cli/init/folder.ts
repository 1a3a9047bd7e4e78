import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Folder } from "./facts.ts";

/** A file longer than this is data, and tells nothing about how a service starts. */
const MOST_BYTES = 512 * 1024;

export function openFolder(path: string): Folder {
  return {
    path,
    read: (name) => {
      const file = join(path, name);
      try {
        return statSync(file).size > MOST_BYTES ? undefined : readFileSync(file, "utf8");
      } catch {
        return undefined;
      }
    },
    has: (name) => {
      try {
        statSync(join(path, name));
        return true;
      } catch {
        return false;
      }
    },
    list: (name) => {
      try {
        return readdirSync(join(path, name)).toSorted();
      } catch {
        return [];
      }
    },
  };
}
