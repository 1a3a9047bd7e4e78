import { withoutFullStop } from "../../core/text/plain-text.ts";
import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { type Fault, faultOf } from "../../core/fault.ts";
import { whyNothingCanBeMadeIn } from "../../local/make-folder.ts";
import { checkStateFolder } from "../../local/state-folder-check.ts";
import type { Project } from "../project.ts";
import { type Finding, found } from "./finding.ts";

/** What every release needs of the machine, whatever the plan says. */
export async function lookAtMachine(project: Project): Promise<readonly Finding[]> {
  return [node(), await git(), stateFolder(project), disk(project)];
}

/** What makes the state folder useless as it is: then nothing that lies in it can be asked. */
export function stateTrouble(state: Project["state"]): Fault | null {
  try {
    checkStateFolder(state);
    return null;
  } catch (error) {
    return faultOf(error, "state-spoilt", "The state folder can't be looked at.");
  }
}

function node(): Finding {
  return found("node", "ok", process.versions.node);
}

async function git(): Promise<Finding> {
  try {
    const { stdout } = await promisify(execFile)("git", ["--version"], { timeout: 5_000 });
    return found("git", "ok", stdout.trim().replace(/^git version /, ""));
  } catch {
    return found(
      "git",
      "warn",
      "not found; versions of services without `prepare:` come from it",
      "install git, or make versions yourself with `prepare:` in the plan file",
    );
  }
}

function stateFolder({ state }: Project): Finding {
  const trouble = stateTrouble(state);
  if (trouble !== null) return found("state", "bad", `${withoutFullStop(trouble.what)}: ${trouble.where}`, trouble.fix);
  const folder = nearestExisting(state.path);
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch {
    return found(
      "state",
      "bad",
      `${folder} can't be written by this user`,
      "give the folder to the user that releases, or choose another with --state",
    );
  }
  if (folder === state.path) return found("state", "ok", `${state.path} can be written`);
  // What the permissions promise, /proc and its like don't keep.
  const whyNot = whyNothingCanBeMadeIn(folder);
  return whyNot === null
    ? found("state", "ok", `${state.path} can be made`)
    : found("state", "bad", `${state.path} can't be made: ${whyNot}`, "choose another folder with --state");
}

/** A version's worktree and its dependencies have to fit. */
const LITTLE_BYTES = 1e9;
const TOO_LITTLE_BYTES = 1e8;

function disk({ state }: Project): Finding {
  const { bavail, bsize } = statfsSync(nearestExisting(state.path));
  const free = bavail * bsize;
  const sentence = `${(free / 1e9).toFixed(1)} GB free for versions, logs and the journal`;
  if (free >= LITTLE_BYTES) return found("disk", "ok", sentence);
  return found(
    "disk",
    free >= TOO_LITTLE_BYTES ? "warn" : "bad",
    sentence,
    "make room, or keep fewer old versions: `keepVersions` in the plan file",
  );
}

function nearestExisting(path: string): string {
  let folder = path;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}
