import { readFileSync, statSync, writeFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { shortVersion } from "../../../core/text/short-version.ts";
import { FaultError } from "../../../core/fault.ts";
import { comesFromGit, type Service } from "../../../core/plan/service.ts";
import { lock } from "../../../local/exclusive-lock.ts";
import { stopFamily } from "../../../local/process-family.ts";
import { bootId, type ProcessIdentity } from "../../../local/process-identity.ts";
import type { StateFolder } from "../../../local/state-folder.ts";
import { runBuild } from "./build.ts";
import { copyFiles } from "./copied-files.ts";
import { git } from "./git.ts";
import {
  createVersionsFolder,
  isPrepared,
  markPrepared,
  markUsed,
  prefixOf,
  type VersionFolder,
  versionFolder,
} from "./version-folder.ts";

export interface PreparePlace {
  readonly folder: StateFolder;
  readonly planFolder: string;
  /** Of this process; only an allowed part of it reaches a build. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Makes a version's folder, once: two at the same time, in this process or another, wait for each other. It is built
 * where it stays, because tools write absolute paths into what they build (a Python environment's scripts, for one);
 * what makes it whole is the marker that is written last.
 * Faults: unknown-version, directory-missing, file-missing, build-failed.
 */
export async function prepareVersion(
  place: PreparePlace,
  version: string,
  services: readonly Service[],
  signal: AbortSignal,
): Promise<{ directory: string; tookMs: number; built: boolean }> {
  createVersionsFolder(place.folder);
  const fromGit = services.some(comesFromGit);
  const target = versionFolder(place.folder, version, services, fromGit ? await prefixOf(place.planFolder) : "");
  const startedAt = performance.now();
  const made = isPrepared(target) ? false : await makeOnce(place, target, services, fromGit, signal);
  // Not a part of the version: an `.env` that was changed since holds for the next start.
  if (!made) await copyFiles(place.planFolder, target.directory, services);
  await markUsed(target);
  return { directory: target.directory, tookMs: Math.round(performance.now() - startedAt), built: made };
}

async function makeOnce(
  place: PreparePlace,
  target: VersionFolder,
  services: readonly Service[],
  fromGit: boolean,
  signal: AbortSignal,
): Promise<boolean> {
  using _alone = await lock(target.lock, signal);
  // Somebody else may have made it while this one waited.
  if (isPrepared(target)) return false;
  await clearAway(target);
  if (fromGit) await addWorktree(place.planFolder, target, signal);
  else await mkdir(target.root, { recursive: true });
  // At once, before anything else can happen: it is what a later engine knows a build by that outlived this one.
  const onStart = (identity: ProcessIdentity | null): void => writeFileSync(target.maker, JSON.stringify(identity));
  await runBuild({ ...place, target, services, signal, onStart, kind: "prepare" });
  await copyFiles(place.planFolder, target.directory, services);
  await runBuild({ ...place, target, services, signal, onStart, kind: "build" });
  await markPrepared(target);
  await rm(target.maker, { force: true });
  return true;
}

/** What an engine that was killed in the middle left: the half-made folder, and a build that may still run in it. */
async function clearAway(target: VersionFolder): Promise<void> {
  const maker = readMaker(target.maker);
  if (maker !== null && maker.bootId === bootId()) await stopFamily(maker, 1_000);
  await rm(target.root, { recursive: true, force: true, maxRetries: 3 });
  await rm(target.maker, { force: true });
}

async function addWorktree(planFolder: string, target: VersionFolder, signal: AbortSignal): Promise<void> {
  // Force: git may still list a worktree at this path whose folder is gone.
  const added = await git(planFolder, ["worktree", "add", "--force", "--detach", target.root, target.version], signal);
  if (!added.ok) {
    throw new FaultError({
      code: "unknown-version",
      what: `git could not check ${shortVersion(target.version)} out.`,
      where: target.root,
      cause: added.error,
    });
  }
  if (statSync(target.directory, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw new FaultError({
    code: "directory-missing",
    what: `The plan file's folder does not exist in ${shortVersion(target.version)}.`,
    where: target.directory,
    fix: "commit the folder, or release a version that has it",
  });
}

function readMaker(path: string): ProcessIdentity | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as ProcessIdentity | null;
  } catch {
    return null;
  }
}
