import { execFile } from "node:child_process";
import { FaultError } from "../../../core/fault.ts";
import { environmentToBuild } from "./allowed-environment.ts";

export interface GitAnswer {
  readonly ok: boolean;
  /** Without the last line's end. */
  readonly output: string;
  readonly error: string;
}

const OUTPUT_LIMIT = 16 * 1024 * 1024;

/** Runs git in a folder. Never asks for a password, runs none of the user's hooks. Faults: git-missing. */
export function git(folder: string, args: readonly string[], signal?: AbortSignal): Promise<GitAnswer> {
  return new Promise((resolve, reject) => {
    execFile(
      "git",
      ["-c", "core.hooksPath=/dev/null", ...args],
      { cwd: folder, env: environment(), maxBuffer: OUTPUT_LIMIT, ...(signal === undefined ? {} : { signal }) },
      (error, output, errorOutput) => {
        if (signal?.aborted === true) return reject(signal.reason as Error);
        if ((error as NodeJS.ErrnoException | null)?.code === "ENOENT") return reject(gitMissing(folder));
        resolve({ ok: error === null, output: output.trimEnd(), error: errorOutput.trim() });
      },
    );
  });
}

/** Inside a hook, git's own variables would point at another repository's index. */
function environment(): Record<string, string> {
  const ssh = Object.entries(process.env).filter(([name]) => /^(?:GIT_SSH|GIT_SSH_COMMAND|SSH_AUTH_SOCK)$/.test(name));
  return {
    ...environmentToBuild(process.env),
    ...(Object.fromEntries(ssh) as Record<string, string>),
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
  };
}

function gitMissing(folder: string): FaultError {
  return new FaultError({
    code: "git-missing",
    what: "git is not installed, or the folder is gone.",
    where: folder,
    fix: "install git, or make versions without it: give the service a `prepare:` line",
  });
}
