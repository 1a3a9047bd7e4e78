import { isSameProcess } from "../local/process-identity.ts";
import type { StateFolder } from "../local/state-folder.ts";
import { type InstanceState, KEEPER_RECORD_FILE, LOG_FOLDER } from "./protocol.ts";
import { type KeeperRecord, type Life, readRecord } from "./record.ts";

/**
 * What a keeper that was killed has left alive, by its record and the kernel, without starting another one; null when
 * nothing of it lives. Faults: keeper-record-unreadable.
 */
export function leftBehind(folder: StateFolder): readonly InstanceState[] | null {
  const { proxy, instances } = readRecord(folder.file(KEEPER_RECORD_FILE));
  const left = instances.map((instance) => stateOf(instance, folder));
  const isAnythingAlive = (proxy !== null && isAlive(proxy.life)) || left.some(({ state }) => state === "running");
  return isAnythingAlive ? left : null;
}

function stateOf({ spec, life }: KeeperRecord["instances"][number], folder: StateFolder): InstanceState {
  const { run, restarts, lastExit } = life;
  return {
    spec,
    ...(run !== undefined && isAlive(life)
      ? { state: "running", pid: run.identity?.pid ?? 0, startedAt: run.startedAt }
      : { state: "exited" }),
    restarts,
    ...(lastExit === undefined ? {} : { lastExit }),
    logFile: folder.file(LOG_FOLDER, `${spec.id}.log`),
    needsSecrets: false,
  };
}

function isAlive({ run }: Life): boolean {
  return run?.identity !== undefined && isSameProcess(run.identity);
}
