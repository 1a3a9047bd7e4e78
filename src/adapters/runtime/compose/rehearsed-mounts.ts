import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { isAbsolute, relative } from "node:path";
import { type Mount, mountsOf, type Plain } from "./resolved-project.ts";
import { sourceOf, type VersionPlace } from "./version-files.ts";

/** Where a container has what it is told by, and no data: an empty folder there would be no stand-in. */
const CONFIGURATION = /^\/(?:etc|usr|docker-entrypoint[^/]*|run\/secrets)(?:\/|$)/;

/**
 * A volume is the project's own already. A folder or file of this machine that is not the version's own is only read, or, where it may be
 * written to and is no configuration, an empty volume stands in for it.
 */
export function ownMount(
  entry: unknown,
  mount: Mount | undefined,
  { directory, usersDirectory }: VersionPlace,
): unknown {
  if (mount?.kind !== "bind" || mount.source === undefined || mount.isReadOnly) return entry;
  const { source, target } = mount;
  if (isVersionsOwn(source, directory, usersDirectory)) return entry;
  const real = sourceOf(source, directory, usersDirectory);
  if (isKept(real, target)) return { type: "bind", source: real, target, read_only: true };
  return { type: "volume", source: standInOf(real), target };
}

/** It is in the folder that was made of the version, which only this rehearsal has. */
function isVersionsOwn(path: string, directory: string, usersDirectory: string): boolean {
  if (directory === usersDirectory) return false;
  const inside = relative(directory, path);
  return !inside.startsWith("..") && !isAbsolute(inside) && sourceOf(path, directory, usersDirectory) === path;
}

function isKept(path: string, target: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return false;
  return !found.isDirectory() || CONFIGURATION.test(target);
}

/** Folders that an empty volume stands in for, as they are called on this machine. */
export function foldersStoodInFor(service: Plain, { directory, usersDirectory }: VersionPlace): readonly string[] {
  return mountsOf(service).flatMap(({ kind, source, target, isReadOnly }) => {
    if (kind !== "bind" || source === undefined || isReadOnly || isVersionsOwn(source, directory, usersDirectory))
      return [];
    const real = sourceOf(source, directory, usersDirectory);
    return isKept(real, target) ? [] : [real];
  });
}

/** The same for everybody who has the same folder. */
function standInOf(path: string): string {
  return `folder-${createHash("sha256").update(path).digest("hex").slice(0, 12)}`;
}
