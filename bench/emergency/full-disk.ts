import { spawnSync } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/** A small disk in the place of a folder; null where none can be mounted (only root on Linux can). */
export function mountSmallDisk(folder: string): Disposable | null {
  mkdirSync(folder, { recursive: true });
  const { status } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=24m,mode=700", "tidegate-bench", folder]);
  if (status !== 0) return null;
  return { [Symbol.dispose]: () => void spawnSync("umount", ["--lazy", folder]) };
}

/** Fills the disk of a folder to its last byte; disposing of it makes room again. */
export function fillDisk(folder: string): Disposable {
  const path = join(folder, "filler");
  const file = openSync(path, "w");
  for (let size = 1 << 20; size >= 1;) {
    try {
      if (writeSync(file, Buffer.alloc(size)) < size) size >>= 1;
    } catch {
      size >>= 1;
    }
  }
  closeSync(file);
  return { [Symbol.dispose]: () => rmSync(path) };
}
