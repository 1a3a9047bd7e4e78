import type { AppAndEnvironment } from "../cli/machinery.ts";
import type { InstanceSeen } from "../core/observation.ts";
import { KEEPER_SOCKET, type KeeperState } from "../keeper/protocol.ts";
import { callControl } from "../local/control-socket.ts";
import type { StateFolder } from "../local/state-folder.ts";
import { hasContainers, STOP_MS, stopContainers } from "./containers.ts";
import { isKeeperThere } from "./keeper.ts";
import { keeperStart } from "./keeper-start.ts";
import { stopUnits, unitsThere } from "./units.ts";

/**
 * What the keeper has, or a killed one has left alive, and what was taken over; null where none of it is.
 * Faults: keeper-record-unreadable.
 */
export async function runningInstances(
  state: StateFolder,
  of: AppAndEnvironment | null,
): Promise<readonly InstanceSeen[] | null> {
  const [{ adoptedInstances }, { instanceSeen }, { leftBehind }] = await Promise.all([
    import("../adapters/runtime/processes/adopted.ts"),
    import("../adapters/runtime/processes/instance-order.ts"),
    import("../keeper/left-behind.ts"),
  ]);
  const containers = (await hasContainers(state))
    ? await import("../adapters/runtime/compose/kept-containers.ts").then(({ keptContainers }) =>
        keptContainers(state, of),
      )
    : [];
  const adopted = of === null ? [] : await adoptedInstances(state).list(of.app, of.environment);
  const kept = (await isKeeperThere(state))
    ? (await callControl<KeeperState>(state.socket(KEEPER_SOCKET), "/state")).instances
    : leftBehind(state);
  const own = [...adopted, ...(kept ?? []).map(instanceSeen), ...containers, ...(await unitsThere(state, of))];
  return kept === null && own.length === 0 ? null : own;
}

export async function stopInstances(
  state: StateFolder,
  ids: readonly string[],
  self: readonly string[],
): Promise<void> {
  const stopped = [...(await stopContainers(state, ids)), ...(await stopUnits(state, ids))];
  const processes = ids.filter((id) => !stopped.includes(id));
  if (processes.length === 0) return;
  const { keeperClient } = await import("../adapters/runtime/processes/keeper-client.ts");
  const keeper = keeperClient(keeperStart(state, self));
  await Promise.all(processes.map((id) => keeper.remove(id, STOP_MS)));
}
