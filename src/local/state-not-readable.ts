import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { FaultError } from "../core/fault.ts";

/** For who must get at what runs, and at nothing else of the folder; one that does not exist is right. Faults: state-not-readable. */
export function mustBeOpenTo(path: string): void {
  try {
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) accessSync(path, constants.X_OK);
  } catch (error) {
    if (isClosed(error)) throw stateNotReadable(path, error);
    throw error;
  }
}

/** Whether a file is refused to this user; other errors say nothing of whose it is. */
export function isClosed(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "EACCES" || error.code === "EPERM");
}

/** `where` is a file or folder of the state folder, or that itself. */
export function stateNotReadable(where: string, error: unknown): FaultError {
  const owner = ownerOf(where);
  const who = owner === null ? "as the user that releases" : `as ${owner}, whose it is: sudo -u ${owner}`;
  return new FaultError(
    {
      code: "state-not-readable",
      what: "The state folder can't be read by this user, so the data plane can't be asked. Nothing was changed.",
      where,
      cause: error instanceof Error ? error.message : String(error),
      fix: `do the same ${who}${owner === null ? "" : " tidegate rollback --now"}`,
    },
    { cause: error },
  );
}

/** The name of whoever has the file, or the nearest folder around it that can be looked at; `#1000` where he has none here. */
function ownerOf(path: string): string | null {
  for (let at = path; ; at = dirname(at)) {
    try {
      const { uid } = statSync(at);
      return userName(uid) ?? `#${uid}`;
    } catch {
      if (dirname(at) === at) return null;
    }
  }
}

function userName(uid: number): string | null {
  try {
    const lines = readFileSync("/etc/passwd", "utf8").split("\n");
    return lines.map((line) => line.split(":")).find(([, , id]) => id === String(uid))?.[0] ?? null;
  } catch {
    return null;
  }
}
