import { spawn } from "node:child_process";
import { closeSync, mkdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../../../core/fault.ts";
import { KEEPER_RECORD_FILE, KEEPER_SOCKET, type KeeperState, LOG_FOLDER } from "../../../keeper/protocol.ts";
import { callControl, isAnswered } from "../../../local/control-socket.ts";
import { lastLines, openForAppending } from "../../../local/log-file.ts";
import { createStateFolder, type StateFolder } from "../../../local/state-folder.ts";

export interface KeeperStart {
  readonly folder: StateFolder;
  /** For example this program's own `keeper --state DIR`. */
  readonly keeperCommand: readonly string[];
  /** Told when it was this process that started one. */
  readonly onStarted?: () => void;
}

/** How long a keeper may take until it answers; adopting and stopping what was left is a part of it. */
const ANSWERS_WITHIN_MS = 20_000;
/** The one before finishes first what it has begun. */
const TAKES_OVER_WITHIN_MS = 60_000;

/**
 * Makes sure that a keeper answers: starts one that outlives this process when none does. Of several that are started
 * at the same time one stays. Faults: keeper-not-started, with its last words.
 */
export async function ensureKeeper({ folder, keeperCommand, onStarted }: KeeperStart): Promise<void> {
  const socket = folder.socket(KEEPER_SOCKET);
  if (await isAnswered(socket)) return;
  createStateFolder(folder);
  mkdirSync(folder.file(LOG_FOLDER), { recursive: true, mode: 0o700 });
  const logFile = folder.file(LOG_FOLDER, "keeper.log");
  const starter = startDetached(keeperCommand, folder.path, logFile);
  const until = performance.now() + ANSWERS_WITHIN_MS;
  while (performance.now() < until) {
    const state = await callControl<KeeperState>(socket, "/state").catch(() => null);
    // Another one was quicker: this one must not come up later, perhaps after that has been told to stop.
    if (state !== null && state.pid !== starter.pid) starter.end();
    if (state !== null && state.pid === starter.pid) onStarted?.();
    if (state !== null) return;
    // It may have ended because another one was quicker, and that one may not answer yet.
    if (starter.failure !== null && performance.now() > starter.failure.at + 2_000) break;
    await delay(20);
  }
  throw await notStarted(logFile, starter, keeperCommand);
}

/** One that this process started and that has nothing to look after is not left behind. */
export async function endIdleKeeper(folder: StateFolder): Promise<void> {
  // What keeps it from ending is a smaller trouble than whatever else is told.
  if (!isAnythingKept(folder)) await stopKeeper(folder).catch(() => undefined);
}

async function notStarted(logFile: string, starter: Starter, command: readonly string[]): Promise<FaultError> {
  return new FaultError({
    code: "keeper-not-started",
    what: "The keeper, which looks after the app's processes, could not be started.",
    where: logFile,
    ...(starter.failure === null ? {} : { cause: starter.failure.how }),
    detail: await lastLines(logFile, 10),
    fix: `try it by hand: ${command.join(" ")}`,
  });
}

/**
 * Has a new keeper, of this program's own version, take over from the one that runs, or starts one; answers when it
 * looks after everything. Faults: keeper-not-started (the old one goes on).
 */
export async function restartKeeper({
  folder,
  keeperCommand,
}: KeeperStart): Promise<{ readonly old: KeeperState | null; readonly now: KeeperState }> {
  const socket = folder.socket(KEEPER_SOCKET);
  const old = await callControl<KeeperState>(socket, "/state").catch(() => null);
  createStateFolder(folder);
  mkdirSync(folder.file(LOG_FOLDER), { recursive: true, mode: 0o700 });
  const logFile = folder.file(LOG_FOLDER, "keeper.log");
  const starter = startDetached([...keeperCommand, "--take-over"], folder.path, logFile);
  const until = performance.now() + TAKES_OVER_WITHIN_MS;
  while (performance.now() < until && starter.failure === null) {
    const now = await callControl<KeeperState>(socket, "/state").catch(() => null);
    if (now !== null && now.pid === starter.pid) return { old, now };
    await delay(20);
  }
  starter.end();
  throw await notStarted(logFile, starter, keeperCommand);
}

/** Whether a keeper of this folder has, or left behind when it was killed, anything to look after. */
export function isAnythingKept(folder: StateFolder): boolean {
  let text: string;
  try {
    text = readFileSync(folder.file(KEEPER_RECORD_FILE), "utf8");
  } catch {
    return false;
  }
  try {
    const record = JSON.parse(text) as { proxy: unknown; instances: readonly unknown[] };
    return record.proxy !== null || record.instances.length > 0;
  } catch {
    // A keeper says what is wrong with it.
    return true;
  }
}

export interface KeeperStop {
  readonly boundMs?: number;
  /** Starts a keeper to stop what a killed one left behind; without it that is left alone. */
  readonly keeperCommand?: readonly string[];
}

/**
 * Stops everything of the state folder and its keeper; resolves when the keeper is gone, with whether there was
 * anything to stop. Faults: keeper-not-started, keeper-not-stopped.
 */
export async function stopKeeper(
  folder: StateFolder,
  { boundMs = 60_000, keeperCommand }: KeeperStop = {},
): Promise<boolean> {
  const socket = folder.socket(KEEPER_SOCKET);
  if (keeperCommand !== undefined && isAnythingKept(folder)) await ensureKeeper({ folder, keeperCommand });
  for (;;) {
    if (!(await isAnswered(socket))) return false;
    // One that is just dying still accepts, and answers no more.
    const told = await callControl(socket, "/stop", { method: "POST" }).catch(() => null);
    if (told !== null) break;
  }
  const until = performance.now() + boundMs;
  while (performance.now() < until) {
    if (!(await isAnswered(socket))) return true;
    await delay(20);
  }
  throw new FaultError({
    code: "keeper-not-stopped",
    what: `The keeper has not stopped everything within ${Math.round(boundMs / 1_000)} s.`,
    where: folder.path,
    fix: "tidegate status shows what still runs",
  });
}

interface Starter {
  readonly pid: number | undefined;
  readonly failure: { readonly how: string; readonly at: number } | null;
  end(): void;
}

function startDetached(command: readonly string[], directory: string, logFile: string): Starter {
  const [file = process.execPath, ...args] = command;
  const log = openForAppending(logFile);
  let failure: Starter["failure"] = null;
  try {
    const child = spawn(file, args, { cwd: directory, detached: true, stdio: ["ignore", log, log] });
    const fail = (how: string): void => void (failure ??= { how, at: performance.now() });
    child.once("error", (error) => fail(error.message));
    child.once("exit", (code, signal) => fail(`it ended with ${signal ?? `code ${code}`}`));
    child.unref();
    return {
      pid: child.pid,
      end: () => void child.kill("SIGTERM"),
      get failure() {
        return failure;
      },
    };
  } finally {
    closeSync(log);
  }
}
