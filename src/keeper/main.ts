import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../core/fault.ts";
import { callControl, serveControl } from "../local/control-socket.ts";
import { type ExclusiveLock, tryLock } from "../local/exclusive-lock.ts";
import { createStateFolder, type StateFolder, stateFolder } from "../local/state-folder.ts";
import type { Backoff } from "./backoff.ts";
import { keeperApi } from "./control.ts";
import { Keeper } from "./keeper.ts";
import type { LogBounds } from "../local/log-file.ts";
import { KEEPER_LOCK_FILE, KEEPER_SOCKET, type KeeperState } from "./protocol.ts";

export interface KeeperOptions {
  readonly stateDir: string;
  /** What starts the data plane; by default this program's own `proxy`. */
  readonly proxyCommand?: readonly string[];
  /** Ends the keeper like SIGTERM does: everything that it started lives on. */
  readonly signal?: AbortSignal;
  /** Of Tidegate, shown by `status`. */
  readonly version?: string;
  readonly backoff?: Backoff;
  readonly proxyBackoff?: Backoff;
  readonly logs?: LogBounds;
  /** One line about what happened; by default to the standard output. */
  readonly note?: (text: string) => void;
}

/**
 * Looks after the processes of a state folder until it is told to stop. SIGTERM and SIGINT end the keeper alone; what
 * it started lives on, and the next keeper adopts it. SIGHUP (a closed terminal) is ignored.
 * Faults: keeper-runs-already, keeper-record-unreadable.
 */
export async function runKeeper(options: KeeperOptions): Promise<void> {
  const folder = stateFolder(options.stateDir);
  createStateFolder(folder);
  using _only = await onlyKeeper(folder);
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const ignore = (): void => undefined;
  process.on("SIGHUP", ignore).on("SIGTERM", end).on("SIGINT", end);
  options.signal?.addEventListener("abort", end, { once: true });
  const keeper = await Keeper.open({
    folder,
    proxyCommand: options.proxyCommand ?? [process.execPath, process.argv[1] ?? "", "proxy", "--state", folder.path],
    version: options.version ?? "",
    ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
    ...(options.proxyBackoff === undefined ? {} : { proxyBackoff: options.proxyBackoff }),
    ...(options.logs === undefined ? {} : { logs: options.logs }),
    note: options.note ?? noteOnOutput,
  });
  // A full disk fails the writing of notes; that must not end the keeper.
  process.stdout.on("error", ignore);
  try {
    const server = await serveControl(folder.socket(KEEPER_SOCKET), keeperApi(keeper, end));
    if (!ended.signal.aborted && options.signal?.aborted !== true) await once(ended.signal, "abort");
    server.close();
    server.closeAllConnections();
  } finally {
    await keeper.close();
    process.off("SIGHUP", ignore).off("SIGTERM", end).off("SIGINT", end);
    process.stdout.off("error", ignore);
  }
}

/** How long another keeper may take to start answering, or to end. */
const COMES_OR_GOES_MS = 5_000;

/** Waits for one that is just ending. Faults: keeper-runs-already, with the pid of the one that does. */
async function onlyKeeper(folder: StateFolder): Promise<ExclusiveLock> {
  const until = performance.now() + COMES_OR_GOES_MS;
  for (;;) {
    const lock = tryLock(folder.file(KEEPER_LOCK_FILE));
    if (lock !== null) return lock;
    const other = await callControl<KeeperState>(folder.socket(KEEPER_SOCKET), "/state").catch(() => null);
    if (other !== null || performance.now() > until) throw runsAlready(folder, other?.pid);
    await delay(20);
  }
}

function runsAlready(folder: StateFolder, pid: number | undefined): FaultError {
  return new FaultError({
    code: "keeper-runs-already",
    what: `A keeper already looks after this folder${pid === undefined ? "" : `: process ${pid}`}.`,
    where: folder.path,
    fix: "nothing to do: it goes on. To stop it and the app: tidegate down",
  });
}

function noteOnOutput(text: string): void {
  process.stdout.write(`${new Date().toISOString()} ${text}\n`);
}
