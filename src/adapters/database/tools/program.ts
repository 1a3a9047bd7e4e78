import { type ChildProcess, spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { FaultError } from "../../../core/fault.ts";
import { stopFamily } from "../../../local/process-family.ts";
import { identify } from "../../../local/process-identity.ts";
import { LineTail } from "../../command/line-tail.ts";

export interface ProgramOrder {
  /** The program and its arguments; never a shell's line. */
  readonly words: readonly string[];
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly redact: (text: string) => string;
  readonly signal: AbortSignal;
}

export interface Ran {
  readonly code: number | null;
  /** All of its standard output, as far as it is kept. */
  readonly output: string;
  /** The last lines of both streams, cleaned of secrets. */
  readonly said: readonly string[];
}

/** From SIGTERM to SIGKILL, for a tool that has to take its transaction back. */
const GRACE_MS = 5_000;
const KEEP_LINES = 200;
/** Of the standard output: the SQL of a revision, the list of all. */
const KEEP_CHARACTERS = 8 * 1024 * 1024;
/** What a tool has left behind may hold its streams open. */
const REST_MS = 500;

// The tool's group ends with this process, however that ends: the kernel closes descriptor 3 then.
const LIFELINE = `"$@" 3<&- </dev/null & tool=$!
( read -r word <&3; trap '' TERM; kill -TERM 0; sleep ${GRACE_MS / 1000}; kill -KILL 0 ) >/dev/null 2>&1 & watch=$!
wait "$tool"; code=$?
kill -KILL "$watch" 2>/dev/null
exit "$code"`;

/**
 * Runs a program of the team's to its end. Told to stop it ends with everything that came from it, and so it does when this process is killed:
 * nobody would know what it has done. Faults: migration-tool-missing, process-not-killable.
 */
export async function runProgram({ words, folder, env, redact, signal }: ProgramOrder): Promise<Ran> {
  signal.throwIfAborted();
  requireProgram(words[0] ?? "", folder, env);
  const child = spawn("/bin/sh", ["-c", LIFELINE, "tidegate", ...words], {
    cwd: folder,
    env,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    detached: true,
  });
  const tail = new LineTail(KEEP_LINES);
  const takeOutput = tail.stream();
  let output = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    takeOutput(Buffer.from(text));
    if (output.length < KEEP_CHARACTERS) output += text;
  });
  child.stderr?.on("data", tail.stream());
  for (const stream of child.stdio) stream?.on("error", () => undefined);
  const leader = child.pid === undefined ? null : identify(child.pid);
  let stopped: Promise<unknown> = Promise.resolve();
  const stop = (): void => {
    if (leader !== null) stopped = stopFamily(leader, GRACE_MS);
    stopped.catch(() => undefined);
  };
  signal.addEventListener("abort", stop, { once: true });
  try {
    const code = await exitOf(child);
    await stopped;
    await Promise.race([new Promise((resolve) => child.once("close", resolve)), after(REST_MS)]);
    for (const stream of child.stdio) stream?.destroy();
    return { code, output, said: tail.lines(redact) };
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code));
  });
}

/** Faults: migration-tool-missing. */
function requireProgram(program: string, folder: string, env: ProgramOrder["env"]): void {
  const places = program.includes("/")
    ? [isAbsolute(program) ? program : join(folder, program)]
    : (env["PATH"] ?? "").split(delimiter).map((each) => join(each, program));
  if (places.some(isProgram)) return;
  throw new FaultError({
    code: "migration-tool-missing",
    what: program.includes("/") ? `There is no program ${program} here.` : `${program} is not on the PATH.`,
    where: folder,
    fix: "install it; or say where it is, for example `migrations: { alembic: { folder: ., command: venv/bin/alembic } }`",
  });
}

export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
