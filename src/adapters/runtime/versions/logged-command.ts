import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { openForAppending } from "../../../local/log-file.ts";
import { stopFamily } from "../../../local/process-family.ts";
import { identify, type ProcessIdentity } from "../../../local/process-identity.ts";

export interface LoggedCommand {
  readonly line: string;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly signal: AbortSignal;
  /** Told who it is as soon as it lives. */
  onStart(identity: ProcessIdentity | null): void;
}

const GRACE_MS = 5_000;

/**
 * Runs a shell line of the user's to its end, both its outputs into a file that others can follow. Aborted, it is
 * stopped with everything that it started; then this rejects with the signal's reason.
 */
export async function runLogged(command: LoggedCommand): Promise<{ code: number | null; signal: string | null }> {
  command.signal.throwIfAborted();
  const log = openForAppending(command.logFile);
  const child = spawn("/bin/sh", ["-c", command.line], {
    cwd: command.directory,
    env: { ...command.environment },
    stdio: ["ignore", log, log],
    detached: true,
  });
  closeSync(log);
  const exited = once(child, "exit") as Promise<[number | null, string | null]>;
  const identity = child.pid === undefined ? null : identify(child.pid);
  command.onStart(identity);
  let stopping: Promise<unknown> | undefined;
  const stop = (): void => {
    if (identity !== null) stopping = stopFamily(identity, GRACE_MS);
  };
  command.signal.addEventListener("abort", stop, { once: true });
  try {
    const [code, signal] = await exited;
    await stopping;
    command.signal.throwIfAborted();
    return { code, signal };
  } finally {
    command.signal.removeEventListener("abort", stop);
  }
}
