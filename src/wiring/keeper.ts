import { setTimeout as delay } from "node:timers/promises";
import type { KeeperRestarted, LeftBalancers } from "../cli/machinery.ts";
import { KEEPER_SOCKET, type KeeperState } from "../keeper/protocol.ts";
import { callControl, isAnswered } from "../local/control-socket.ts";
import { identify, isSameProcess, type ProcessIdentity } from "../local/process-identity.ts";
import type { StateFolder } from "../local/state-folder.ts";
import { stopContainers } from "./containers.ts";
import { keeperStart } from "./keeper-start.ts";
import { stopUnits } from "./units.ts";

export function isKeeperThere(state: StateFolder): Promise<boolean> {
  return isAnswered(state.socket(KEEPER_SOCKET));
}

/** Ports on which systemd has the keeper's listening sockets open; empty where no keeper runs, or it opens its own. */
export async function portsOfSystemd(state: StateFolder): Promise<readonly number[]> {
  const keeper = await callControl<KeeperState>(state.socket(KEEPER_SOCKET), "/state").catch(() => null);
  return (keeper?.given ?? []).map(({ port }) => port);
}

export async function restartKeeper(state: StateFolder, self: readonly string[]): Promise<KeeperRestarted> {
  const { restartKeeper: restart } = await import("../adapters/runtime/processes/ensure-keeper.ts");
  const { old, now } = await restart(keeperStart(state, self));
  return {
    old: old === null ? null : { pid: old.pid, version: old.version },
    now: { pid: now.pid, version: now.version },
    instances: now.instances.filter(({ state }) => state !== "exited").length,
    holdsSockets: now.proxy === null ? null : now.proxy.holdsSockets,
  };
}

const KEEPER_ENDS_WITHIN_MS = 5_000;

export async function stopEverything(state: StateFolder, self: readonly string[]): Promise<LeftBalancers | null> {
  const [{ stopKeeper }, { leaveHaproxy }] = await Promise.all([
    import("../adapters/runtime/processes/ensure-keeper.ts"),
    import("../adapters/traffic/haproxy/leave.ts"),
  ]);
  const loadBalancers = await leaveHaproxy(state);
  await stopUnits(state, null);
  await stopContainers(state, null);
  const keeper = await keeperProcess(state);
  await stopKeeper(state, keeperStart(state, self));
  if (keeper !== null) await untilEnded(keeper);
  return loadBalancers;
}

/** It answers no more a moment before it has ended; who looks at the processes next must not find it. */
async function untilEnded(keeper: ProcessIdentity): Promise<void> {
  for (let leftMs = KEEPER_ENDS_WITHIN_MS; leftMs > 0 && isSameProcess(keeper); leftMs -= 20) await delay(20);
}

async function keeperProcess(state: StateFolder): Promise<ProcessIdentity | null> {
  const socket = state.socket(KEEPER_SOCKET);
  if (!(await isAnswered(socket))) return null;
  return identify((await callControl<KeeperState>(socket, "/state")).pid);
}
