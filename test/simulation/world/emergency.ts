import { faultOf } from "../../../src/core/fault.ts";
import { putTrafficBack } from "../../../src/engine/put-traffic-back.ts";
import type { EmergencyExit } from "../../../src/ports/emergency-exit.ts";
import { type EnginesSettings, remoteTraffic } from "./engines.ts";
import { createWire, type EngineProcess } from "./wire.ts";

/** `tidegate rollback --now`, in a process of its own. */
export function rollBackNow(
  { ground, store, keeper, plane, tasks }: Omit<EnginesSettings, "options" | "database">,
  process: EngineProcess,
  by: string,
): void {
  const { scheduler } = ground;
  const wire = createWire(ground, () => undefined);
  const traffic = remoteTraffic(process, wire, plane.hand(process.id), keeper, ground);
  const hand = keeper.hand(process.id, () => null);
  const exit: EmergencyExit = {
    clock: {
      wall: () => ground.wall(),
      monotonic: () => scheduler.now() - process.bornAt,
      sleep: (ms, signal) => scheduler.sleep(ms, process, signal),
    },
    traffic,
    health: tasks(process, wire).health,
    log: store.emergencies(process, wire),
    others: [
      { name: "the keeper", epoch: async () => keeper.epoch(), claim: (epoch) => hand.claim(epoch) },
      { name: "the journal", epoch: async () => store.epoch() },
    ],
    lastResort: {
      read: async () => {
        const table = plane.table();
        return table === null ? null : { table, epoch: plane.epoch() };
      },
      write: async (table) => plane.overwrite(table, process.id),
      startAnew: async () => (ground.troubles.has("plane-away") ? "No process of it comes." : null),
    },
  };
  ground.tell({ kind: "process", by: process.id, what: "rolls-back-now" });
  void putTrafficBack(exit, { by, anyway: false, id: `now-${process.id}` })
    .then(
      ({ outcome }) => outcome,
      (error: unknown) => faultOf(error, "unknown", "").code,
    )
    .then((detail) => ground.tell({ kind: "process", by: process.id, what: "rolled-back-now", detail }))
    .finally(() => (process.alive = false));
}
