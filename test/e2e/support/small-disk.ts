import { execFileSync, type ExecFileSyncOptions } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

/** A disk of a few megabytes at a folder, which a test may fill, and make read-only for whoever comes. */
export interface SmallDisk extends Disposable {
  /** To the last byte. */
  fill(): void;
  makeRoom(): void;
  /** What has files open there goes on writing; nobody else can. */
  forbidWriting(): void;
  allowWriting(): void;
}

const QUIETLY: ExecFileSyncOptions = { stdio: ["ignore", "pipe", "pipe"] };

/** null: this machine lets nobody mount anything here, which takes root. */
export function smallDisk(folder: string, megabytes: number): SmallDisk | null {
  mkdirSync(folder, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=700`, "tmpfs", folder], QUIETLY);
  } catch {
    return null;
  }
  const ballast = join(folder, "ballast");
  let isReadOnly = false;
  const unmount = (...flags: readonly string[]): void => void execFileSync("umount", [...flags, folder], QUIETLY);
  return {
    fill() {
      const file = openSync(ballast, "w");
      try {
        // Whole pages first, then what is left of the last one.
        for (const bytes of [4_096, 1]) writeUntilFull(file, bytes);
      } finally {
        closeSync(file);
      }
    },
    makeRoom: () => rmSync(ballast, { force: true }),
    forbidWriting() {
      execFileSync("mount", ["--bind", folder, folder], QUIETLY);
      execFileSync("mount", ["-o", "remount,bind,ro", folder], QUIETLY);
      isReadOnly = true;
    },
    allowWriting() {
      if (isReadOnly) unmount("--lazy");
      isReadOnly = false;
    },
    [Symbol.dispose]() {
      if (isReadOnly) unmount("--lazy");
      unmount("--lazy");
    },
  };
}

function writeUntilFull(file: number, bytes: number): void {
  const piece = Buffer.alloc(bytes, 1);
  try {
    for (;;) writeSync(file, piece);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
  }
}
