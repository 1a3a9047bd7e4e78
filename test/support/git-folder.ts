import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A folder in a git repository of its own, in which files are written and committed. */
export interface GitFolder {
  git(...args: readonly string[]): string;
  /** Writes a file, with the folders that it needs. */
  write(path: string, text: string): void;
  read(path: string): string;
  /** Commits everything that there is, and answers the sha. */
  commit(subject: string): string;
}

/** `repository`: the root of it, where the folder lies deeper; null: there is none. */
export function gitFolder(folder: string, repository: string | null = folder): GitFolder {
  mkdirSync(folder, { recursive: true });
  const git = (...args: readonly string[]): string =>
    execFileSync("git", ["-c", "user.name=T", "-c", "user.email=t@example.com", ...args], {
      cwd: repository ?? folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();
  if (repository !== null) git("init", "--quiet", "--initial-branch=main");
  return {
    git,
    write(path, text) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    },
    read: (path) => readFileSync(join(folder, path), "utf8"),
    commit(subject) {
      git("add", "-A");
      git("commit", "--quiet", "--allow-empty", "--message", subject);
      return git("rev-parse", "HEAD");
    },
  };
}
