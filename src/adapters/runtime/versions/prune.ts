import { readdir, rm } from "node:fs/promises";
import { basename } from "node:path";
import { tryLock } from "../../../local/exclusive-lock.ts";
import type { StateFolder } from "../../../local/state-folder.ts";
import { git } from "./git.ts";
import { lockOf, preparedVersions, unfinishedFolders } from "./version-folder.ts";

/**
 * Removes prepared versions beyond the last used `keep`, never one that is in use, and what was begun and never
 * finished. Returns the versions that went.
 */
export async function pruneVersions(
  folder: StateFolder,
  planFolder: string,
  keep: number,
  inUse: ReadonlySet<string>,
): Promise<readonly string[]> {
  const old = preparedVersions(folder)
    .filter(({ version }) => !inUse.has(version))
    .slice(keep);
  const removed: string[] = [];
  for (const { version, root } of old) {
    if (await removeFolder(folder, planFolder, root)) removed.push(version);
  }
  for (const root of unfinishedFolders(folder)) await removeFolder(folder, planFolder, root);
  return removed;
}

/** False when somebody makes it just now. */
async function removeFolder(folder: StateFolder, planFolder: string, root: string): Promise<boolean> {
  using alone = tryLock(lockOf(folder, basename(root)));
  if (alone === null) return false;
  // The marker first: what is half removed must not look whole.
  await rm(`${root}.json`, { force: true });
  // This one alone: `git worktree prune` would also forget the user's own ones that lie on a disk that is away. It
  // fails for what no worktree is.
  await git(planFolder, ["worktree", "remove", "--force", root]).catch(() => undefined);
  await rm(root, { recursive: true, force: true, maxRetries: 3 });
  await rm(`${root}.maker`, { force: true });
  const logs = await readdir(folder.file("logs")).catch(() => []);
  const mine = logs.filter(
    (name) => name.startsWith(`build-${basename(root)}-`) || name.startsWith(`prepare-${basename(root)}-`),
  );
  await Promise.all(mine.map((name) => rm(folder.file("logs", name), { force: true })));
  return true;
}
