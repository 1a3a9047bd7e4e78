import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { FaultError } from "../../core/fault.ts";
import type { RoutingTable, TrafficState } from "../../core/traffic/routing.ts";
import { KEEPER_SOCKET, type KeeperState } from "../../keeper/protocol.ts";
import { writeFileAtomically } from "../../local/atomic-file.ts";
import { callControl, isAnswered } from "../../local/control-socket.ts";
import type { StateFolder } from "../../local/state-folder.ts";
import { isClosed, stateNotReadable } from "../../local/state-not-readable.ts";
import type { LastResort } from "../../ports/emergency-exit.ts";
import { PROXY_SOCKET, PROXY_TABLE_FILE } from "../../proxy/protocol.ts";

export interface LastResortSettings {
  readonly folder: StateFolder;
  /** Starts a keeper where none runs, which starts the proxy. Faults: keeper-not-started. */
  readonly startKeeper: () => Promise<void>;
}

/** A keeper that hangs must not keep the answer back. */
const KEEPER_ANSWERS_MS = 1_000;
const PROXY_COMES_MS = 10_000;

/** For the embedded proxy: its table's file, and the keeper that starts it again. */
export function createEmbeddedLastResort({ folder, startKeeper }: LastResortSettings): LastResort {
  const path = folder.file(PROXY_TABLE_FILE);
  const stored = (): StoredTable | null => {
    try {
      const text = JSON.parse(readFileSync(path, "utf8")) as StoredTable;
      return text.table === null || typeof text.table !== "object" ? null : text;
    } catch (error) {
      // It lies there all the same, for somebody else.
      if (isClosed(error)) throw stateNotReadable(path, error);
      return null;
    }
  };
  const keeperState = (): Promise<KeeperState | null> =>
    callControl<KeeperState>(folder.socket(KEEPER_SOCKET), "/state", { timeoutMs: KEEPER_ANSWERS_MS }).catch(
      () => null,
    );

  return {
    async read() {
      const now = stored();
      return now === null || now.table === null ? null : { table: now.table, epoch: now.epoch };
    },
    async write(table) {
      const now = stored();
      if (now === null) throw notWritten(path, "it is not there any more");
      // As it writes it itself, but for the table and what follows from it.
      const next: StoredTable = { ...now, epoch: Math.max(now.epoch, table.epoch), table, leaseEndsAt: null };
      await writeFileAtomically(path, `${JSON.stringify(next)}\n`).catch((error: unknown) => {
        throw notWritten(path, error instanceof Error ? error.message : String(error));
      });
    },
    async startAnew() {
      if (!(await isAnswered(folder.socket(KEEPER_SOCKET)))) {
        const failed = await startKeeper().then(
          () => null,
          (error: unknown) => (error instanceof Error ? error.message : String(error)),
        );
        if (failed !== null) return `Nobody starts the data plane again: ${failed}`;
      }
      const keeper = await keeperState();
      if (keeper === null)
        return "The keeper does not answer either. It alone starts the data plane again, so that was left as it is: find both with `tidegate doctor`, end what hangs (kill -9 its process), and do this once more.";
      const pid = keeper.proxy?.pid;
      if (pid !== undefined && !(await answersStill(folder))) process.kill(pid, "SIGKILL");
      return (await answersSoon(folder))
        ? null
        : "The keeper was to start the data plane again, and it does not answer yet.";
    },
  };
}

/** What of the proxy's file is known here; the rest is left as it is. */
interface StoredTable {
  readonly epoch: number;
  readonly table: RoutingTable | null;
  readonly leaseEndsAt: number | null;
}

/** It may only have been slow: then it is not ended. */
async function answersStill(folder: StateFolder): Promise<boolean> {
  return (await ask(folder, KEEPER_ANSWERS_MS)) !== null;
}

async function answersSoon(folder: StateFolder): Promise<boolean> {
  for (const until = performance.now() + PROXY_COMES_MS; performance.now() < until; await delay(50))
    if ((await ask(folder, 500)) !== null) return true;
  return false;
}

function ask(folder: StateFolder, timeoutMs: number): Promise<TrafficState | null> {
  return callControl<TrafficState>(folder.socket(PROXY_SOCKET), "/state", { timeoutMs }).catch(() => null);
}

function notWritten(path: string, cause: string): FaultError {
  return new FaultError({
    code: "traffic-unreachable",
    what: "The data plane does not answer, and its table on the disk can't be written. Nothing was changed.",
    where: path,
    cause,
    fix: "tidegate doctor ; a data plane that hangs is started again by the keeper once it is ended: kill -9 its process",
  });
}
