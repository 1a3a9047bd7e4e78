import { FaultError } from "../../core/fault.ts";
import type { TrafficState } from "../../core/traffic/routing.ts";
import type { Instant } from "../../core/time/time.ts";
import { KEEPER_SOCKET, type KeeperState } from "../../keeper/protocol.ts";
import { callControl } from "../../local/control-socket.ts";
import type { StateFolder } from "../../local/state-folder.ts";
import { type LeaveWithin, PROXY_SOCKET } from "../../proxy/protocol.ts";

/** The new process has 20 s, and on a busy machine the one before takes its time to step back. */
const RESTARTS_WITHIN_MS = 60_000;

export interface EmbeddedRestarted {
  readonly oldPid: number | null;
  readonly pid: number;
  readonly version: string;
  readonly leaving: { readonly requests: number; readonly webSockets: number; readonly until: Instant } | null;
  readonly wasSeamless: boolean;
}

/** Has the keeper let a new proxy take over from the one that runs. Faults: no-proxy, proxy-still-leaving, proxy-not-started. */
export async function restartEmbedded(
  folder: StateFolder,
  leaveWithin: Partial<LeaveWithin>,
): Promise<EmbeddedRestarted> {
  const keeper = folder.socket(KEEPER_SOCKET);
  const before = (await ask<KeeperState>(keeper, "/state")).proxy;
  const { proxy, version } = await ask<KeeperState>(keeper, "/proxy/restart", leaveWithin);
  const { pid, leaving } = await callControl<TrafficState>(folder.socket(PROXY_SOCKET), "/state");
  const until = proxy?.leaving.find((each) => each.pid === leaving?.pid)?.until;
  return {
    oldPid: before?.pid ?? null,
    pid,
    version,
    leaving: leaving === undefined || until === undefined ? null : { ...leaving, until },
    wasSeamless: before?.pid === undefined || before.holdsSockets,
  };
}

async function ask<T>(socket: string, path: string, body?: object): Promise<T> {
  try {
    return await callControl<T>(
      socket,
      path,
      body === undefined ? {} : { method: "POST", body, timeoutMs: RESTARTS_WITHIN_MS },
    );
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.code !== "unreachable") throw error;
    throw new FaultError(
      {
        code: "no-proxy",
        what: "No keeper runs here, so there is no data plane to restart.",
        where: socket,
        fix: "the first release starts both: tidegate release",
      },
      { cause: error },
    );
  }
}
