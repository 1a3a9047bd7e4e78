import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { comesFromGit, type Service } from "../../../core/plan/service.ts";
import { git } from "./git.ts";
import type { PreparePlace } from "./prepare.ts";
import { isPrepared, prefixOf, versionFolder } from "./version-folder.ts";

/** A folder with files of a version, gone when it is disposed of unless it is the version's own. */
export interface VersionFiles extends AsyncDisposable {
  /** What corresponds to the plan file's folder. */
  readonly directory: string;
}

/**
 * Some files and folders of a version, as they would be in its own folder, without making that. null: only making it would tell. A path
 * that the version does not have is not there either.
 */
export async function filesOfVersion(
  place: Pick<PreparePlace, "folder" | "planFolder">,
  version: string,
  services: readonly Service[],
  paths: readonly string[],
): Promise<VersionFiles | null> {
  const fromGit = services.some(comesFromGit);
  const target = versionFolder(place.folder, version, services, fromGit ? await prefixOf(place.planFolder) : "");
  if (isPrepared(target)) return { directory: target.directory, [Symbol.asyncDispose]: () => Promise.resolve() };
  if (!fromGit) return null;
  const listed = await git(place.planFolder, ["ls-tree", "-r", "--name-only", "-z", version, "--", ...paths]);
  if (!listed.ok) return null;
  const directory = await mkdtemp(join(tmpdir(), "tidegate-files-"));
  const files: VersionFiles = {
    directory,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
  if (listed.output === "") return files;
  const archive = join(directory, "files.tar");
  const there = paths.filter((path) =>
    listed.output.split("\0").some((name) => name === path || name.startsWith(`${path}/`)),
  );
  const isMade =
    (await git(place.planFolder, ["archive", "--format=tar", `--output=${archive}`, version, "--", ...there])).ok &&
    (await unpacked(archive, directory));
  if (isMade) return files;
  await files[Symbol.asyncDispose]();
  return null;
}

async function unpacked(archive: string, directory: string): Promise<boolean> {
  try {
    await promisify(execFile)("tar", ["-xf", archive, "-C", directory]);
    await rm(archive);
    return true;
  } catch {
    return false;
  }
}
