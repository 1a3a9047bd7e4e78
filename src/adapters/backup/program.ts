import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { setTimeout as after } from "node:timers/promises";
import { FaultError } from "../../core/fault.ts";
import { LineTail } from "../command/line-tail.ts";

export interface ProgramOrder {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly redact: (text: string) => string;
  readonly signal: AbortSignal;
  /** It may ask for a passphrase: only then does it share the terminal, and Ctrl-C with it. */
  readonly isInTerminal?: boolean;
}

/** A program that runs, with its streams. */
export interface RunningProgram {
  readonly input: Writable;
  readonly output: Readable;
  /** Never rejects for what the program does. Both streams must be read or ended by somebody, or it never comes. */
  readonly ended: Promise<ProgramEnd>;
  stop(): void;
}

export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** The last lines of what it complained, cleaned of secrets. */
  readonly said: readonly string[];
}

/** From SIGTERM to SIGKILL. */
const GRACE_MS = 5_000;
const KEEP_LINES = 12;

/**
 * Starts a program with a list of arguments, never a shell. What it writes goes through this process: when that is killed, the program
 * finds its pipe broken and ends, instead of working on for nobody. Faults: program-not-started.
 */
export async function startProgram(order: ProgramOrder): Promise<RunningProgram> {
  const { program, redact, signal } = order;
  signal.throwIfAborted();
  const child = spawn(program, order.arguments, {
    env: order.env,
    stdio: ["pipe", "pipe", "pipe"],
    detached: order.isInTerminal !== true,
  });
  const tail = new LineTail(KEEP_LINES);
  const take = tail.stream();
  child.stderr.on("data", take);
  // A program that has ended closes its input; its exit code says why.
  child.stdin.on("error", () => undefined);
  await begun(child, program);
  const over = new AbortController();
  const stop = (): void => void end(child, over.signal);
  signal.addEventListener("abort", stop, { once: true });
  const ended = new Promise<ProgramEnd>((resolve) => {
    child.once("close", (code, by) => {
      over.abort();
      signal.removeEventListener("abort", stop);
      resolve({ code, signal: by, said: tail.lines(redact) });
    });
  });
  return { input: child.stdin, output: child.stdout, ended, stop };
}

/** Runs one to its end and answers what it printed; null: it could not be started, or complained. */
export async function printedBy(order: ProgramOrder): Promise<string | null> {
  try {
    const running = await startProgram(order);
    running.input.end();
    const chunks: Buffer[] = [];
    for await (const chunk of running.output) chunks.push(chunk as Buffer);
    const { code } = await running.ended;
    return code === 0 ? Buffer.concat(chunks).toString() : null;
  } catch {
    order.signal.throwIfAborted();
    return null;
  }
}

async function begun(child: ChildProcess, program: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", (error) =>
      reject(
        new FaultError(
          {
            code: "program-not-started",
            what: `${program} could not be started.`,
            cause: error.message,
            fix: "install it, or have it on the PATH",
          },
          { cause: error },
        ),
      ),
    );
  });
  // Later errors are of signals that came too late.
  child.on("error", () => undefined);
}

async function end(child: ChildProcess, over: AbortSignal): Promise<void> {
  child.kill("SIGTERM");
  try {
    await after(GRACE_MS, undefined, { signal: over });
    child.kill("SIGKILL");
  } catch {
    // It ended in time.
  }
}
