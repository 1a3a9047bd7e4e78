import { createHash } from "node:crypto";
import { chmodSync, existsSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { FaultError } from "../core/fault.ts";
import { EMERGENCY_FILE, reserveEmergencyFile } from "./emergency-file.ts";
import { makeFolder } from "./make-folder.ts";

/** Longest path that a unix socket may have (sun_path is 108 bytes with its end mark). */
const SOCKET_PATH_BYTES = 107;
/** No socket has a longer name. By it the place is chosen, so that all lie in one folder. */
const SOCKET_NAME_BYTES = "proxy-0000000.sock".length;

/** Everything that Tidegate keeps for one app on one machine; by default `.tidegate` beside the plan file. */
export interface StateFolder {
  readonly path: string;
  /** The path of a file or folder in it. */
  file(...parts: string[]): string;
  /** Where a control socket lies: in the folder, or, where that path is too long for one, in a private folder of the temporary one. */
  socket(name: string): string;
}

export function stateFolder(path: string): StateFolder {
  const root = resolve(path);
  return {
    path: root,
    file: (...parts) => join(root, ...parts),
    socket(name) {
      if (Buffer.byteLength(root) + 1 + SOCKET_NAME_BYTES <= SOCKET_PATH_BYTES) return join(root, name);
      const digest = createHash("sha256").update(root).digest("hex").slice(0, 16);
      return join(tmpdir(), `tidegate-${process.getuid?.() ?? 0}-${digest}`, name);
    },
  };
}

/** Makes the folder, readable by its owner alone, with what must exist in it. Faults: state-not-writable. */
export function createStateFolder(folder: StateFolder): void {
  try {
    makeFolder(folder.path, 0o700);
    const socketFolder = join(folder.socket("x"), "..");
    makeFolder(socketFolder, 0o700);
    closeToOthers(socketFolder, 0o700);
    // It lies in the user's repository: git should neither show it nor take it in.
    const ignore = folder.file(".gitignore");
    if (!existsSync(ignore)) writeFileSync(ignore, "*\n");
    reserveEmergencyFile(folder.file(EMERGENCY_FILE));
  } catch (error) {
    throw new FaultError(
      {
        code: "state-not-writable",
        what: "The state folder can't be made or written.",
        where: folder.path,
        cause: error instanceof Error ? error.message : String(error),
        fix: "give it to the user that releases, make room, or choose another with --state; tidegate doctor looks at the rest",
      },
      { cause: error },
    );
  }
}

/** Where nothing can be written any more, what is right already must not be in the way of reading. */
export function closeToOthers(path: string, mode: number): void {
  if ((statSync(path).mode & 0o777) !== mode) chmodSync(path, mode);
}
