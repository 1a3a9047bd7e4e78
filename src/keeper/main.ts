import { once } from "node:events";
import { serveControl } from "../local/control-socket.ts";
import type { LogBounds } from "../local/log-file.ts";
import { ownCommand } from "../local/own-program.ts";
import { createStateFolder, stateFolder } from "../local/state-folder.ts";
import type { Backoff } from "./backoff.ts";
import { takeCharge } from "./charge.ts";
import { keeperApi } from "./control.ts";
import { Keeper, type KeeperSettings } from "./keeper.ts";
import { KEEPER_SOCKET } from "./protocol.ts";
import { socketsOfSystemd } from "./sockets-of-systemd.ts";

export interface KeeperOptions {
  readonly stateDir: string;
  /** What starts the data plane; by default this program's own `proxy`. */
  readonly proxyCommand?: readonly string[];
  /** Ends the keeper like SIGTERM does: everything that it started lives on. */
  readonly signal?: AbortSignal;
  /** Of Tidegate, shown by `status`. */
  readonly version?: string;
  /** Take over from a keeper that runs: from one of an older Tidegate (the default), or from any. */
  readonly takeOver?: "older" | "any";
  readonly backoff?: Backoff;
  readonly proxyBackoff?: Backoff;
  readonly logs?: LogBounds;
  /** One line about what happened; by default to the standard output. */
  readonly note?: (text: string) => void;
}

/**
 * Looks after the processes of a state folder until it is told to stop. SIGTERM and SIGINT end the keeper alone; what
 * it started lives on, and the next keeper adopts it. SIGHUP (a closed terminal) is ignored.
 * From a keeper that runs already it takes over where it may: that one ends, alone.
 * Faults: keeper-runs-already, keeper-record-unreadable.
 */
export async function runKeeper(options: KeeperOptions): Promise<void> {
  const folder = stateFolder(options.stateDir);
  createStateFolder(folder);
  const given = socketsOfSystemd();
  const version = options.version ?? "";
  const charge = await takeCharge(folder, version, options.takeOver ?? "older");
  using _only = charge.lock;
  const ended = new AbortController();
  const end = (): void => ended.abort();
  const ignore = (): void => undefined;
  process.on("SIGHUP", ignore).on("SIGTERM", end).on("SIGINT", end);
  options.signal?.addEventListener("abort", end, { once: true });
  const settings: KeeperSettings = {
    folder,
    proxyCommand: options.proxyCommand ?? [...ownCommand(), "proxy", "--state", folder.path],
    version,
    given,
    ...(options.backoff === undefined ? {} : { backoff: options.backoff }),
    ...(options.proxyBackoff === undefined ? {} : { proxyBackoff: options.proxyBackoff }),
    ...(options.logs === undefined ? {} : { logs: options.logs }),
    note: options.note ?? noteOnOutput,
  };
  const keeper = await Keeper.open(settings, charge.given);
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

function noteOnOutput(text: string): void {
  process.stdout.write(`${new Date().toISOString()} ${text}\n`);
}
