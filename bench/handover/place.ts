import { createEmbeddedTraffic } from "../../src/adapters/traffic/embedded.ts";
import { ensureKeeper, restartKeeper } from "../../src/adapters/runtime/processes/ensure-keeper.ts";
import type { TrafficState } from "../../src/core/traffic/routing.ts";
import { KEEPER_SOCKET, type KeeperState } from "../../src/keeper/protocol.ts";
import { callControl } from "../../src/local/control-socket.ts";
import { createStateFolder, stateFolder } from "../../src/local/state-folder.ts";
import type { Traffic } from "../../src/ports/traffic.ts";
import type { LeaveWithin } from "../../src/proxy/protocol.ts";
import { freePort } from "../measure/started-program.ts";
import { keptFolder } from "../measure/kept-folder.ts";
import { backendOf, EMPTY_TABLE } from "../measure/tidegate-proxy.ts";

const TIDEGATE = new URL("../../src/main.ts", import.meta.url).pathname;

/** A keeper with a data plane in front of one instance, all of them as in life. */
export interface Place extends AsyncDisposable {
  readonly port: number;
  readonly traffic: Traffic;
  plane(): Promise<TrafficState>;
  keeper(): Promise<KeeperState>;
  restartProxy(within: LeaveWithin): Promise<void>;
  restartKeeper(): Promise<void>;
  /** As an engine or a service manager does when none answers. */
  ensureKeeper(): Promise<void>;
}

export async function openPlace(path: string, instancePort: number): Promise<Place> {
  const folder = stateFolder(path);
  createStateFolder(folder);
  const start = { folder, keeperCommand: [process.execPath, TIDEGATE, "keeper", "--state", path] };
  const socket = folder.socket(KEEPER_SOCKET);
  const port = await freePort();
  const kept = keptFolder(path);
  await ensureKeeper(start);
  const timeouts = { headersMs: 10_000, idleMs: 60_000, connectMs: 2_000 };
  await callControl(socket, "/proxy", {
    method: "PUT",
    body: { listeners: [{ host: "127.0.0.1", port }], timeouts },
    timeoutMs: 30_000,
  });
  const traffic = createEmbeddedTraffic({ folder, startProxy: () => Promise.resolve() });
  await traffic.write({ ...EMPTY_TABLE, revision: 1, stable: backendOf("v1", instancePort) }, 0);
  return {
    port,
    traffic,
    plane: () => callControl<TrafficState>(folder.socket("proxy.sock"), "/state"),
    keeper: () => callControl<KeeperState>(socket, "/state"),
    async restartProxy(within) {
      await callControl(socket, "/proxy/restart", { method: "POST", body: within, timeoutMs: 60_000 });
    },
    async restartKeeper() {
      await restartKeeper(start);
    },
    ensureKeeper: () => ensureKeeper(start),
    [Symbol.asyncDispose]: () => kept[Symbol.asyncDispose](),
  };
}
