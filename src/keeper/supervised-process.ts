import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync } from "node:fs";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { type Duration, formatDuration } from "../core/time/time.ts";
import { stopFamily } from "../local/process-family.ts";
import { bootId, isSameProcess, type ProcessIdentity } from "../local/process-identity.ts";
import { environmentOf, listProcesses, readProcess } from "../local/process-table.ts";
import { type Backoff, failuresAfter, waitAfter } from "./backoff.ts";
import { LogWriter } from "./log-writer.ts";
import type { Exit, Life } from "./record.ts";

/** What to run, and how. */
export interface Program {
  /** For the keeper's own log. */
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly directory: string;
  readonly logFile: string;
  readonly restart: "on-crash" | "never";
  readonly backoff: Backoff;
  /** Its whole environment; null while a part of it is not known. `pid` is a living process of it that may be asked. */
  readonly environment: (pid?: number) => Readonly<Record<string, string>> | null;
  /** Gives each new process an IPC channel and is called with it. */
  readonly onSpawn?: (child: ChildProcess) => void;
  /** Told after every change of `life` or `state`; resolves when it is on disk. */
  onChange(): Promise<void>;
  note(text: string): void;
}

export type SupervisedState = "starting" | "running" | "backoff" | "stopping" | "exited";

/** What is left of a family whose head has ended gets this long before SIGKILL. */
const ORPHANS_GRACE_MS = 2_000;
/** How often a process that is no child of this keeper is looked at. */
const LOOK_MS = 100;

/** Starts one program, starts it again when it ends unasked, adopts what a keeper before left, and stops it whole. */
export class SupervisedProcess {
  /** Whether it is started again when it ends unasked. */
  mayRestart = true;

  readonly #program: Program;
  #life: Life;
  #state: SupervisedState = "exited";
  #child: ChildProcess | null = null;
  #writer: LogWriter | undefined;
  #wasKilled = false;
  #ended: Promise<void> = Promise.resolve();
  #restartTimer: NodeJS.Timeout | undefined;
  readonly #watch = new AbortController();
  #stopping: Promise<void> | null = null;
  #starting: Promise<void> | null = null;

  constructor(program: Program, life: Life) {
    this.#program = program;
    this.#life = life;
  }

  get life(): Life {
    return this.#life;
  }

  /** Whether it had to be killed when it was stopped last: it did not end by itself within its grace. */
  get wasKilled(): boolean {
    return this.#wasKilled;
  }

  get state(): SupervisedState {
    return this.#state;
  }

  /** Of the living process; null when none lives. */
  get identity(): ProcessIdentity | null {
    return this.#state === "running" || this.#state === "stopping" ? (this.#life.run?.identity ?? null) : null;
  }

  /** Set when this keeper spawned it itself and it still lives. */
  get child(): ChildProcess | null {
    return this.#child;
  }

  /** Starts it unless it lives or is about to. Rejects when it can't even be spawned. */
  async start(): Promise<void> {
    await this.#stopping;
    if (this.#state === "exited") this.#starting ??= this.#spawn().finally(() => (this.#starting = null));
    await this.#starting;
  }

  /** Resolves when the log holds what it wrote before it ended, if it has ended. */
  async written(): Promise<void> {
    if (this.#state !== "running") await this.#writer?.written();
  }

  /** Resolves when it is neither about to start nor about to end. */
  async settled(): Promise<void> {
    await this.#stopping?.catch(() => undefined);
    await this.#starting?.catch(() => undefined);
  }

  /** Goes on with what the keeper before left: adopts what lives, starts what died, ends what was being stopped. */
  async restore(): Promise<void> {
    const run = this.#life.run;
    const identity = run === undefined ? undefined : (run.identity ?? findByMark(run.mark));
    if (this.#life.wanted === "stopped") {
      if (identity !== undefined) await this.stop(ORPHANS_GRACE_MS);
      return;
    }
    if (run !== undefined && identity !== undefined && isSameProcess(identity)) {
      this.#life = { ...this.#life, run: { ...run, identity } };
      this.#program.environment(identity.pid);
      this.#program.note(`adopted ${this.#program.name}, pid ${identity.pid}`);
      this.#adopt(identity, run.mark);
      await this.#program.onChange();
      return;
    }
    // After a boot nothing lives, and nothing of it has crashed.
    const crashed = identity?.bootId === bootId();
    const isTold = run !== undefined && (this.#life.lastExit?.at ?? 0) >= run.startedAt;
    if (crashed && isTold) this.#waitForRestart();
    else if (crashed) await this.#end({ code: null, signal: null, at: Date.now() }, identity);
    else await this.start().catch((error: unknown) => this.#program.note(`${this.#program.name}: ${String(error)}`));
  }

  /** Adopts, if it lives, one that is to end by itself; see `finish`. */
  async restoreToFinish(withinMs: Duration): Promise<void> {
    const { run } = this.#life;
    const identity = run === undefined ? undefined : (run.identity ?? findByMark(run.mark));
    if (run === undefined || identity === undefined || !isSameProcess(identity)) return;
    this.#life = { ...this.#life, run: { ...run, identity } };
    this.#adopt(identity, run.mark);
    await this.finish(withinMs);
  }

  /** Lets it end by itself; stops it when it has not within the time. Not started again. */
  async finish(withinMs: Duration): Promise<void> {
    this.#life = { ...this.#life, wanted: "stopped" };
    this.#state = "stopping";
    await this.#program.onChange();
    const { signal } = this.#watch;
    await Promise.race([this.#ended, delay(withinMs, undefined, { signal, ref: false }).catch(() => undefined)]);
    if (!signal.aborted) await this.stop(ORPHANS_GRACE_MS);
  }

  /** SIGTERM to the whole family, SIGKILL after the grace; resolves when all of it is gone. Not started again. */
  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(graceMs).finally(() => (this.#stopping = null));
    return this.#stopping;
  }

  /** Stops looking after it and leaves it alive. */
  release(): void {
    clearTimeout(this.#restartTimer);
    this.#watch.abort();
    this.#writer?.release();
    if (this.#child?.connected === true) this.#child.disconnect();
    this.#child?.unref();
  }

  async #spawn(): Promise<void> {
    clearTimeout(this.#restartTimer);
    const environment = this.#program.environment();
    if (environment === null) return;
    const mark = randomUUID();
    this.#state = "starting";
    this.#life = { ...this.#life, wanted: "running", run: { mark, startedAt: Date.now() } };
    // Before the process exists: a keeper that is killed in between finds it by its mark.
    await this.#program.onChange();
    try {
      const child = await this.#launch({ ...environment, TIDEGATE_RUN: mark }, mark);
      await once(child, "spawn");
      this.#program.onSpawn?.(child);
    } catch (error) {
      await this.#end({ code: null, signal: null, at: Date.now() });
      throw error;
    }
    await this.#program.onChange();
  }

  async #launch(environment: Readonly<Record<string, string>>, mark: string): Promise<ChildProcess> {
    const { file, args, directory, logFile, onSpawn } = this.#program;
    const { output, writer } = await LogWriter.open(logFile, mark);
    this.#writer = writer;
    const stdio: StdioOptions = ["ignore", output, output];
    if (onSpawn !== undefined) stdio.push("ipc");
    try {
      // Detached: a session and a process group of its own, out of reach of the terminal's Ctrl-C and hang-up.
      const child = spawn(file, [...args], { cwd: directory, env: { ...environment }, detached: true, stdio });
      if (child.pid !== undefined) this.#follow(child, child.pid);
      return child;
    } finally {
      closeSync(output);
    }
  }

  #follow(child: ChildProcess, pid: number): void {
    // In the tick of the spawn it can't have been reaped yet, so this is surely it.
    const row = readProcess(pid);
    const identity = { bootId: bootId(), pid, startTicks: row?.startTicks ?? 0 };
    const run = this.#life.run;
    if (run !== undefined) this.#life = { ...this.#life, run: { ...run, identity } };
    this.#child = child;
    this.#state = "running";
    this.#ended = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#child = null;
        resolve();
        if (!this.#watch.signal.aborted) void this.#end({ code, signal, at: Date.now() }, identity);
      });
    });
    // Of a channel that breaks because the process ended: the exit says it.
    child.on("error", () => undefined);
  }

  #adopt(identity: ProcessIdentity, mark: string): void {
    this.#state = "running";
    this.#writer = LogWriter.adopt(this.#program.logFile, mark);
    this.#ended = this.#watchStranger(identity);
  }

  /** Linux tells nobody but the parent when a process ends: an adopted one has to be looked at. */
  async #watchStranger(identity: ProcessIdentity): Promise<void> {
    const { signal } = this.#watch;
    while (isSameProcess(identity)) {
      await delay(LOOK_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
    }
    void this.#end({ code: null, signal: null, at: Date.now() }, identity);
  }

  async #end(exit: Exit, identity?: ProcessIdentity): Promise<void> {
    const program = this.#program;
    const life = this.#life;
    this.#life = { ...life, lastExit: exit };
    if (life.wanted === "stopped") return;
    const livedMs = exit.at - (life.run?.startedAt ?? exit.at);
    const failures = failuresAfter(life.failuresInARow, livedMs, program.backoff);
    this.#life = { ...this.#life, restarts: life.restarts + 1, failuresInARow: failures };
    this.#state = this.#isStartedAgain() ? "backoff" : "exited";
    const again = this.#state === "backoff" ? `; again in ${formatDuration(waitAfter(failures, program.backoff))}` : "";
    program.note(`${program.name} ${describeExit(exit)} after ${formatDuration(livedMs)}${again}`);
    await program.onChange();
    // Children that outlive their head would still hold its port.
    if (identity !== undefined)
      await stopFamily(identity, ORPHANS_GRACE_MS).catch((error: unknown) => program.note(String(error)));
    if (this.#state === "backoff" && !this.#watch.signal.aborted) this.#waitForRestart();
  }

  #isStartedAgain(): boolean {
    const { restart, environment } = this.#program;
    return restart === "on-crash" && this.mayRestart && environment() !== null;
  }

  #waitForRestart(): void {
    this.#state = this.#isStartedAgain() ? "backoff" : "exited";
    const { backoff } = this.#program;
    if (this.#state !== "backoff") return;
    this.#restartTimer = setTimeout(() => this.#restart(), waitAfter(this.#life.failuresInARow, backoff));
  }

  #restart(): void {
    if (this.#state !== "backoff" || this.#life.wanted === "stopped") return;
    this.#state = "exited";
    this.start().catch((error: unknown) =>
      this.#program.note(`${this.#program.name} could not be started: ${String(error)}`),
    );
  }

  async #stop(graceMs: number): Promise<void> {
    await this.#starting?.catch(() => undefined);
    clearTimeout(this.#restartTimer);
    const identity = this.#life.run?.identity ?? (this.#life.run && findByMark(this.#life.run.mark));
    this.#life = { ...this.#life, wanted: "stopped" };
    this.#state = "stopping";
    // On disk before the signal: a keeper that is killed in between must not start it again.
    await this.#program.onChange();
    if (identity !== undefined && identity.bootId === bootId()) {
      this.#wasKilled = await stopFamily(identity, graceMs);
      await this.#ended;
    }
    this.#state = "exited";
    await this.#program.onChange();
  }
}

/** The process that was started with this mark, when the keeper was killed before it could write down which one. */
export function findByMark(mark: string): ProcessIdentity | undefined {
  const row = listProcesses().find(
    (row) => row.pid === row.group && !row.isZombie && environmentOf(row.pid)["TIDEGATE_RUN"] === mark,
  );
  return row === undefined ? undefined : { bootId: bootId(), pid: row.pid, startTicks: row.startTicks };
}

function describeExit(exit: Exit): string {
  if (exit.signal !== null) return `was ended by ${exit.signal}`;
  return exit.code === null ? "ended" : `exited with code ${exit.code}`;
}
