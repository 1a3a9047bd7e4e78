import { execFile } from "node:child_process";
import { appendFileSync, cpSync, mkdirSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { FaultError } from "../core/fault.ts";

/** The commits that the tags v1, v2 and v3 name. */
export interface ShopVersions {
  readonly v1: string;
  readonly v2: string;
  readonly v3: string;
}

const EXAMPLE = fileURLToPath(new URL("../../examples/shop", import.meta.url));

/** What lies in the example's folder and is no part of the shop. */
const NOT_COPIED: readonly string[] = ["versions", "data", ".tidegate", "node_modules"];

/** The same every time, so that the commits are too. */
const AUTHOR = {
  GIT_AUTHOR_NAME: "The Potting Shed",
  GIT_AUTHOR_EMAIL: "shop@example.com",
  GIT_AUTHOR_DATE: "2026-01-05T08:00:00Z",
  GIT_COMMITTER_NAME: "The Potting Shed",
  GIT_COMMITTER_EMAIL: "shop@example.com",
  GIT_COMMITTER_DATE: "2026-01-05T08:00:00Z",
};

/**
 * Makes a git repository of the example shop (of its files in `example`) in `folder` (made if missing, must be empty): three commits on `main`,
 * tagged v1, v2 and v3. Faults: shop-folder-in-use, git-failed.
 */
export async function createShopRepository(folder: string, example: string = EXAMPLE): Promise<ShopVersions> {
  mkdirSync(folder, { recursive: true });
  if (readdirSync(folder).length > 0)
    throw new FaultError({
      code: "shop-folder-in-use",
      what: "The folder for the shop is not empty.",
      where: folder,
      fix: "name another folder, or empty this one",
    });
  cpSync(example, folder, {
    recursive: true,
    filter: (path) => path === example || !NOT_COPIED.includes(basename(path)),
  });

  const git = gitIn(folder);
  await git("init", "--quiet", "--template=", "--initial-branch=main");
  // What a published package can't carry as a .gitignore.
  mkdirSync(join(folder, ".git", "info"), { recursive: true });
  appendFileSync(join(folder, ".git", "info", "exclude"), "data/\n.tidegate/\n");
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "Open the shop");
  await git("tag", "v1");
  for (const version of ["v2", "v3"]) {
    await git("am", "--quiet", "--committer-date-is-author-date", join(example, "versions", `${version}.patch`));
    await git("tag", version);
  }
  const commitOf = (tag: string): Promise<string> => git("rev-parse", `${tag}^{commit}`);
  return { v1: await commitOf("v1"), v2: await commitOf("v2"), v3: await commitOf("v3") };
}

/** Git that knows nothing of its user's settings, nor of a repository around. */
function gitIn(folder: string): (...args: string[]) => Promise<string> {
  const { GIT_DIR: _dir, GIT_WORK_TREE: _tree, GIT_INDEX_FILE: _index, ...outside } = process.env;
  const env = { ...outside, ...AUTHOR, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1", LC_ALL: "C" };
  return async (...args) => {
    try {
      const { stdout } = await promisify(execFile)("git", args, { cwd: folder, env });
      return stdout.trim();
    } catch (error) {
      const { code, stderr = "" } = error as { code?: string | number; stderr?: string };
      const isMissing = code === "ENOENT";
      throw new FaultError(
        {
          code: "git-failed",
          what: isMissing
            ? "The demo's shop is a git repository, and git is not installed."
            : "Git did not make the demo's shop.",
          where: `git ${args[0]} in ${folder}`,
          cause: isMissing ? "git was not found" : stderr.trim(),
          ...(isMissing ? { fix: "install git, then start again" } : {}),
        },
        { cause: error },
      );
    }
  };
}
