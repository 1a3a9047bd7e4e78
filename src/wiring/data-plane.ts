import type { LeaveWithin, ProxyRestarted } from "../cli/machinery.ts";
import type { TrafficState } from "../core/traffic/routing.ts";
import { callControl } from "../local/control-socket.ts";
import type { StateFolder } from "../local/state-folder.ts";
import { PROXY_SOCKET } from "../proxy/protocol.ts";
import { keeperStart } from "./keeper-start.ts";

export async function dataPlane(state: StateFolder): Promise<TrafficState | null> {
  const { rememberedHaproxy } = await import("../adapters/traffic/haproxy/remembered.ts");
  const remembered = rememberedHaproxy(state);
  if (remembered !== null) {
    const { createHaproxyTraffic } = await import("../adapters/traffic/haproxy/traffic.ts");
    return await createHaproxyTraffic(remembered)
      .read()
      .catch(() => null);
  }
  return await callControl<TrafficState>(state.socket(PROXY_SOCKET), "/state", { timeoutMs: 2_000 }).catch(() => null);
}

export async function restartProxy(
  state: StateFolder,
  within: LeaveWithin,
  self: readonly string[],
): Promise<ProxyRestarted> {
  const { restartEmbedded } = await import("../adapters/traffic/embedded-restart.ts");
  const { ensureKeeper, isAnythingKept } = await import("../adapters/runtime/processes/ensure-keeper.ts");
  // What a killed keeper left is looked after again first; where nothing was ever started nothing is.
  if (isAnythingKept(state)) await ensureKeeper(keeperStart(state, self));
  return restartEmbedded(state, within);
}
