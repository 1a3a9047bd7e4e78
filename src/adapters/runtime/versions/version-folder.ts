import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { FaultError } from "../../../core/fault.ts";
import type { LineService, Service } from "../../../core/plan/service.ts";
import { writeFileAtomically } from "../../../local/atomic-file.ts";
import { createStateFolder, type StateFolder } from "../../../local/state-folder.ts";
import { git } from "./git.ts";

/** Where a version is made, and the files beside it that say how far that has come. */
export interface VersionFolder {
  readonly version: string;
  /** The worktree's root. */
  readonly root: string;
  /** What corresponds to the plan file's folder: deeper than the root where the plan file lies in a sub-folder. */
  readonly directory: string;
  /** Written when everything is made: without it the folder is worth nothing. */
  readonly marker: string;
  /** Who makes it now. */
  readonly maker: string;
  readonly lock: string;
}

export interface Prepared {
  readonly version: string;
  readonly root: string;
  readonly usedAt: number;
}

const LOCKS = 32;

/**
 * The place of a version. Its name holds how the version is made too: when the plan file's build changes, the same
 * version is made anew beside the old one, which may be serving.
 */
export function versionFolder(
  folder: StateFolder,
  version: string,
  services: readonly Service[],
  prefix: string,
): VersionFolder {
  const name = `${folderName(version)}-${recipeOf(services)}`;
  const root = versionsFolder(folder, name);
  return {
    version,
    root,
    directory: join(root, prefix),
    marker: `${root}.json`,
    maker: `${root}.maker`,
    lock: lockOf(folder, name),
  };
}

/** Where the plan file's folder lies in its repository: "" at its root, else "apps/shop". Faults: unknown-version. */
export async function prefixOf(planFolder: string): Promise<string> {
  const prefix = await git(planFolder, ["rev-parse", "--show-prefix"]);
  if (prefix.ok) return prefix.output.replace(/\/$/, "");
  throw new FaultError({
    code: "unknown-version",
    what: "The plan file's folder is not in a git repository, so no version of it can be checked out.",
    where: planFolder,
    cause: prefix.error,
    fix: `git init && git add -A && git commit -m "First version"\nor give the service a \`prepare:\` line that makes \${dir} for \${version}`,
  });
}

/** Held while a version's folder is made or removed. A few locks for all: one for each would leave a file behind for ever. */
export function lockOf(folder: StateFolder, name: string): string {
  return versionsFolder(folder, `lock-${Number.parseInt(hash(name).slice(0, 4), 16) % LOCKS}`);
}

export function isPrepared(place: VersionFolder): boolean {
  return readMarker(place.marker) === place.version;
}

export async function markPrepared(place: VersionFolder): Promise<void> {
  await writeFileAtomically(place.marker, `${JSON.stringify({ format: 1, version: place.version })}\n`);
}

/** Old versions are told by when they were last asked for. */
export async function markUsed(place: VersionFolder): Promise<void> {
  const now = new Date();
  await utimes(place.marker, now, now);
}

/** The folder in which a service's lines run. */
export function serviceFolder(directory: string, service: LineService): string {
  return join(directory, service.runtime.directory);
}

/** Every version that is completely made, the last used first. */
export function preparedVersions(folder: StateFolder): readonly Prepared[] {
  return entriesOf(folder)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => {
      const marker = versionsFolder(folder, name);
      const version = readMarker(marker);
      const root = marker.slice(0, -".json".length);
      return version === null ? [] : [{ version, root, usedAt: statSync(marker).mtimeMs }];
    })
    .sort((a, b) => b.usedAt - a.usedAt);
}

/** Folders that somebody began to make and never finished. */
export function unfinishedFolders(folder: StateFolder): readonly string[] {
  const names = entriesOf(folder);
  return names
    .filter((name) => FOLDER_NAME.test(name) && !names.includes(`${name}.json`))
    .map((name) => versionsFolder(folder, name));
}

/** Makes the folder in which all versions lie. */
export function createVersionsFolder(folder: StateFolder): void {
  createStateFolder(folder);
  mkdirSync(versionsFolder(folder), { recursive: true, mode: 0o700 });
}

const FOLDER_NAME = /-[0-9a-f]{8}$/;

function versionsFolder(folder: StateFolder, ...parts: string[]): string {
  return folder.file("versions", ...parts);
}

function entriesOf(folder: StateFolder): readonly string[] {
  try {
    return readdirSync(versionsFolder(folder));
  } catch {
    return [];
  }
}

function folderName(version: string): string {
  if (/^[0-9a-f]{40,64}$/.test(version)) return version.slice(0, 12);
  const slug = version.replaceAll(/[^A-Za-z0-9._-]/g, "-").slice(0, 40);
  return slug === version ? slug : `${slug}-${hash(version).slice(0, 6)}`;
}

function recipeOf(services: readonly Service[]): string {
  const recipe = services.map(({ name, runtime }) =>
    runtime.kind === "compose"
      ? [name, runtime.kind, runtime.image]
      : [name, runtime.directory, runtime.build, runtime.prepare],
  );
  return hash(JSON.stringify(recipe)).slice(0, 8);
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function readMarker(path: string): string | null {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
  } catch {
    return null;
  }
}
