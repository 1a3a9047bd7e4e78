import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as after } from "node:timers/promises";
import { FaultError } from "../../core/fault.ts";
import { type Duration, SECOND } from "../../core/time/time.ts";
import { stopFamily } from "../../local/process-family.ts";
import { identify } from "../../local/process-identity.ts";
import type { CommandRunner } from "../../ports/tasks.ts";
import { LineTail } from "./line-tail.ts";

export interface ShellSettings {
  /** Where commands run: the plan file's folder. */
  readonly directory: string;
  /** Hides secrets in what commands write. */
  readonly redact: (text: string) => string;
  /** What every command inherits; by default this process's own environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs?: Duration;
  /** How many of the last lines are kept. */
  readonly keepLines?: number;
}

/**
 * Runs the user's shell lines with `/bin/sh -c`. A time-out or an abort ends the command with everything that came from
 * it; what a command leaves behind when it ends in time is its own business.
 * Faults: command-not-started, process-not-killable.
 */
export function createShellRunner({
  directory,
  redact,
  env = process.env,
  graceMs = 5 * SECOND,
  keepLines = 50,
}: ShellSettings): CommandRunner {
  return {
    async run(command, options) {
      const startedAt = performance.now();
      const tookMs = (): Duration => Math.round(performance.now() - startedAt);
      if (options.signal.aborted) {
        return { code: null, signal: null, timedOut: false, output: ["not started: stopped before"], tookMs: 0 };
      }
      const child = spawn("/bin/sh", ["-c", command], {
        cwd: directory,
        env: { ...env, ...options.env },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
      });
      const tail = new LineTail(keepLines);
      const heard = listen(child, tail);
      const exited = exitOf(child, directory);

      const leader = child.pid === undefined ? null : identify(child.pid);

      let timedOut = false;
      let stopped: Promise<unknown> | undefined;
      const notStopped = Promise.withResolvers<never>();
      const end = (): void => {
        if (leader === null) return;
        stopped ??= stopFamily(leader, graceMs);
        stopped.catch(notStopped.reject);
      };
      const timer = setTimeout(() => {
        timedOut = true;
        end();
      }, options.timeoutMs);
      options.signal.addEventListener("abort", end, { once: true });
      try {
        const { code, signal } = await Promise.race([exited, notStopped.promise]);
        await stopped;
        await heard.rest();
        return { code, signal, timedOut, output: tail.lines(redact), tookMs: tookMs() };
      } finally {
        clearTimeout(timer);
        options.signal.removeEventListener("abort", end);
      }
    },
  };
}

function exitOf(child: ChildProcess, directory: string): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve, reject) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", (error) => {
      if (child.pid !== undefined) return;
      reject(
        new FaultError(
          {
            code: "command-not-started",
            what: "The command could not be started.",
            where: directory,
            fix: "check that the folder exists and that /bin/sh can run in it",
            cause: error.message,
          },
          { cause: error },
        ),
      );
    });
  });
}

const QUIET: Duration = 100;
const REST_AT_MOST: Duration = 2 * SECOND;

/** Reads both streams. `rest` waits for what is still in the pipes once the shell has ended. */
function listen(child: ChildProcess, tail: LineTail): { rest(): Promise<void> } {
  let lastHeard = performance.now();
  const streams = [child.stdout, child.stderr].filter((stream) => stream !== null);
  for (const stream of streams) {
    const take = tail.stream();
    stream.on("data", (chunk: Buffer) => {
      lastHeard = performance.now();
      take(chunk);
    });
    stream.on("error", () => undefined);
  }
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  return {
    async rest() {
      // A process that was left behind may hold the pipes open for ever: no word for a while is the end.
      const over = new AbortController();
      const quiet = async (): Promise<void> => {
        const until = performance.now() + REST_AT_MOST;
        lastHeard = performance.now();
        while (performance.now() - lastHeard < QUIET && performance.now() < until) {
          await after(QUIET / 4, undefined, { signal: over.signal });
        }
      };
      await Promise.race([closed, quiet().catch(() => undefined)]);
      over.abort();
      for (const stream of streams) stream.destroy();
    },
  };
}
