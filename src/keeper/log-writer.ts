import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, openSync, rmSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { bootId, isSameProcess, type ProcessIdentity } from "../local/process-identity.ts";
import { environmentOf, listProcesses, type ProcessRow } from "../local/process-table.ts";
import { openForAppending } from "../local/log-file.ts";

const run = promisify(execFile);

/**
 * Reads the pipe to its end, whatever becomes of the file. `cat` ends when it can't write, and with it what it held is
 * lost: the log says so as soon as there is room. Where there is no file at all, the pipe is emptied all the same.
 */
const SCRIPT = `
trap '' TERM HUP INT
umask 077
while :; do
  [ -z "$lost" ] || { printf 'tidegate: output is missing here, it could not be written\\n' >>"$1" && lost=; }
  cat >>"$1" && exit
  lost=yes
  [ -w "$1" ] || dd bs=64k count=1 of=/dev/null
  sleep 0.02
done 2>/dev/null`;

/** In the writer's environment: the mark of the run whose output it writes. */
const MARK = "TIDEGATE_LOG_OF";
const SUFFIX = ".pipe";

/** How long the last lines of a program that has ended may take on their way into its log. */
const LAST_LINES_MS = 500;
/** How soon another writer follows one that ended although the program may go on. */
const AGAIN_MS = 100;
/** How often a writer that is no child of this keeper is looked at. */
const LOOK_MS = 1_000;

/**
 * Carries what one run of a program writes into its log file. A file as the program's own output would end most programs
 * when the disk is full, and a pipe to the keeper would end them with the keeper. So it is a named pipe that the program
 * itself holds open for reading too, which nobody's death can break, and a small process of its own that empties it: it
 * outlives the keeper, ends with the last process of the program, and is started again should it be killed. Until then
 * the pipe holds 64 KB.
 */
export class LogWriter {
  readonly #pipe: string;
  readonly #logFile: string;
  readonly #mark: string;
  readonly #released = new AbortController();
  readonly #ended: Promise<void>;

  private constructor(logFile: string, mark: string, ended: (writer: LogWriter) => Promise<void>) {
    this.#logFile = logFile;
    this.#mark = mark;
    this.#pipe = pipeOf(logFile, mark);
    this.#ended = ended(this);
  }

  /**
   * For a run that is about to start. `output` is the descriptor for its standard output and error, for the caller to
   * close. Where no pipe can be made, that is the file itself, and there is no writer.
   */
  static async open(logFile: string, mark: string): Promise<{ readonly output: number; readonly writer?: LogWriter }> {
    const pipe = pipeOf(logFile, mark);
    try {
      await run("mkfifo", ["-m", "600", pipe]);
      const output = openSync(pipe, "r+");
      return { output, writer: new LogWriter(logFile, mark, (writer) => writer.#follow(writer.#launch())) };
    } catch {
      rmSync(pipe, { force: true });
      return { output: openForAppending(logFile) };
    }
  }

  /** For a run that another keeper started. */
  static adopt(logFile: string, mark: string): LogWriter {
    return new LogWriter(logFile, mark, (writer) => writer.#adopt());
  }

  /** Resolves when all that the program wrote before it ended is in the log, or half a second has passed. */
  async written(): Promise<void> {
    await Promise.race([this.#ended, delay(LAST_LINES_MS, undefined, { ref: false })]);
  }

  /** Stops looking after it and leaves it alive. */
  release(): void {
    this.#released.abort();
  }

  #launch(): ChildProcess {
    // With a writer's end open, opening the reader's end does not wait for one.
    const held = openSync(this.#pipe, "r+");
    const input = openSync(this.#pipe, "r");
    try {
      return spawn("/bin/sh", ["-c", SCRIPT, "tidegate-log", this.#logFile], {
        cwd: "/",
        env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", [MARK]: this.#mark },
        detached: true,
        stdio: [input, "ignore", "ignore"],
      });
    } finally {
      closeSync(input);
      closeSync(held);
    }
  }

  async #follow(child: ChildProcess): Promise<void> {
    child.unref();
    const isWhole = await new Promise<boolean>((resolve) => {
      child.once("exit", (code) => resolve(code === 0));
      child.once("error", () => resolve(false));
    });
    if (this.#released.signal.aborted) return;
    if (isWhole) await rm(this.#pipe, { force: true });
    else await this.#again();
  }

  async #adopt(): Promise<void> {
    const found = findWriter(this.#mark);
    const lives = (): boolean => found !== undefined && isSameProcess(found) && !this.#released.signal.aborted;
    while (lives()) await this.#wait(LOOK_MS);
    await this.#again();
  }

  /** Harmless when no program is left: another writer reads what is still there, and ends. */
  async #again(): Promise<void> {
    await this.#wait(AGAIN_MS);
    if (this.#released.signal.aborted) return;
    // What is left of the one before would read along, and lines would come out of order.
    for (const { pid } of processesOf(this.#mark)) end(pid);
    let child: ChildProcess;
    try {
      child = this.#launch();
    } catch {
      // The pipe is gone: all of it was read, or the program of an older keeper writes into the file itself.
      return;
    }
    await this.#follow(child);
  }

  async #wait(forMs: number): Promise<void> {
    await delay(forMs, undefined, { ref: false, signal: this.#released.signal }).catch(() => undefined);
  }
}

/** Removes the pipes in a folder of logs that belong to none of these runs. */
export async function removePipes(folder: string, living: readonly string[]): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  const old = names.filter((name) => name.endsWith(SUFFIX) && !living.some((mark) => name.includes(mark)));
  await Promise.all(old.map((name) => rm(join(folder, name), { force: true })));
}

function pipeOf(logFile: string, mark: string): string {
  return `${logFile}.${mark}${SUFFIX}`;
}

function findWriter(mark: string): ProcessIdentity | undefined {
  const head = processesOf(mark).find(({ pid, group }) => pid === group);
  return head === undefined ? undefined : { bootId: bootId(), pid: head.pid, startTicks: head.startTicks };
}

function processesOf(mark: string): readonly ProcessRow[] {
  return listProcesses().filter(({ pid, isZombie }) => !isZombie && environmentOf(pid)[MARK] === mark);
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
