import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { FaultError } from "../core/fault.ts";
import type { StateFolder } from "./state-folder.ts";

type Kind = "file" | "folder" | "socket";

/** What Tidegate keeps there. Something of another kind in its place is nobody's work but a mistake's. */
const KEPT: Readonly<Record<string, Kind>> = {
  "journal.db": "file",
  "actor.lock": "file",
  "emergency.log": "file",
  "engine-token": "file",
  "routing-table.json": "file",
  "keeper.json": "file",
  "keeper.lock": "file",
  versions: "folder",
  logs: "folder",
  traffic: "folder",
  backups: "folder",
  rehearsals: "folder",
  "engine.sock": "socket",
  "keeper.sock": "socket",
  "proxy.sock": "socket",
};

/**
 * Throws where the folder is none, where it is somebody else's, or where something else lies in the place of what
 * Tidegate keeps there; one that is still to be made is right. For who begins something: what runs already must not be
 * kept from going on by it. Faults: state-not-readable, state-not-a-folder, state-not-ours, state-spoilt.
 */
export function checkStateFolder(folder: StateFolder): void {
  try {
    check(folder);
  } catch (error) {
    if (error instanceof FaultError) throw error;
    throw new FaultError(
      {
        code: "state-not-readable",
        what: "The state folder can't be looked at.",
        where: folder.path,
        cause: error instanceof Error ? error.message : String(error),
        fix: "give it to the user that releases, or choose another with --state",
      },
      { cause: error },
    );
  }
}

function check(folder: StateFolder): void {
  const found = kindOf(folder.path);
  if (found === null) return;
  if (found !== "folder") {
    throw new FaultError({
      code: "state-not-a-folder",
      what: `A ${found} lies where the state folder should be.`,
      where: folder.path,
      fix: "move it away, or choose another folder with --state",
    });
  }
  if (!isOurs(folder.path)) {
    // It would be closed to everybody else, and hidden from git.
    throw new FaultError({
      code: "state-not-ours",
      what: "The folder holds things that are not Tidegate's, so it is no place for its state.",
      where: folder.path,
      fix: `choose a new folder or an empty one: --state ${folder.file("tidegate")}`,
    });
  }
  for (const [name, wanted] of Object.entries(KEPT)) {
    const path = folder.file(name);
    const kind = kindOf(path);
    if (kind === null || kind === wanted) continue;
    throw new FaultError({
      code: "state-spoilt",
      what: `A ${kind} lies where Tidegate keeps a ${wanted} of its own.`,
      where: path,
      fix: "move it away; or, where this was never a state folder of Tidegate's, choose another with --state",
    });
  }
}

/** Others may have a folder of logs too. */
function isMark(name: string): boolean {
  return Object.hasOwn(KEPT, name) && KEPT[name] !== "folder";
}

/** Tidegate has kept something there, or nobody has: crash logs and the folders of environments say nothing of that. */
function isOurs(path: string): boolean {
  const names = readdirSync(path);
  return names.some(isMark) || names.every((name) => saysNothing(name) || isOfEnvironment(join(path, name)));
}

function saysNothing(name: string): boolean {
  return Object.hasOwn(KEPT, name) || name === ".gitignore" || /^crash-.*\.log$/.test(name);
}

function isOfEnvironment(path: string): boolean {
  // A database may be backed up before anything is released there.
  return kindOf(path) === "folder" && readdirSync(path).some((name) => isMark(name) || name === "backups");
}

/** null: nothing is there. */
function kindOf(path: string): Kind | "device" | null {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return null;
  if (found.isDirectory()) return "folder";
  if (found.isFile()) return "file";
  return found.isSocket() ? "socket" : "device";
}
