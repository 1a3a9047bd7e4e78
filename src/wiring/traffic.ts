import type { KeeperStart } from "../adapters/runtime/processes/ensure-keeper.ts";
import type { Plan } from "../core/plan/plan.ts";
import type { HaproxyPlan } from "../core/plan/traffic.ts";
import { EPOCH_HEADER, KEEPER_SOCKET } from "../keeper/protocol.ts";
import { callControl } from "../local/control-socket.ts";
import type { StateFolder } from "../local/state-folder.ts";
import type { Traffic } from "../ports/traffic.ts";

/** The keeper starts the data plane before it answers, and that may adopt an old one first. */
const PROXY_STARTS_WITHIN_MS = 30_000;

export async function embeddedTraffic(start: KeeperStart, plan: Plan, epoch: () => number | null): Promise<Traffic> {
  const { folder } = start;
  const [{ createEmbeddedTraffic }, { ensureKeeper }, { forgetHaproxy }] = await Promise.all([
    import("../adapters/traffic/embedded.ts"),
    import("../adapters/runtime/processes/ensure-keeper.ts"),
    import("../adapters/traffic/haproxy/remembered.ts"),
  ]);
  return createEmbeddedTraffic({
    folder,
    startProxy: async (listeners, timeouts = plan.traffic.timeouts) => {
      await ensureKeeper(start);
      forgetHaproxy(folder);
      const claimed = epoch();
      await callControl(folder.socket(KEEPER_SOCKET), "/proxy", {
        method: "PUT",
        body: { listeners, timeouts },
        timeoutMs: PROXY_STARTS_WITHIN_MS,
        ...(claimed === null ? {} : { headers: { [EPOCH_HEADER]: String(claimed) } }),
      });
    },
  });
}

export async function haproxyTraffic(folder: StateFolder, plan: Plan, haproxy: HaproxyPlan): Promise<Traffic> {
  const [{ createHaproxyTraffic }, { rememberHaproxy }, { fragmentOf }] = await Promise.all([
    import("../adapters/traffic/haproxy/traffic.ts"),
    import("../adapters/traffic/haproxy/remembered.ts"),
    import("../adapters/traffic/haproxy/fragment.ts"),
  ]);
  const { app, environment } = plan;
  return createHaproxyTraffic({
    app,
    environment,
    haproxy,
    digest: fragmentOf(plan, haproxy).digest,
    onReady: () => rememberHaproxy(folder, { app, environment, haproxy }),
  });
}
