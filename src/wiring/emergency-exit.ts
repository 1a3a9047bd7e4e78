import type { StateFolder } from "../local/state-folder.ts";
import type { EmergencyExit } from "../ports/emergency-exit.ts";
import { keeperStart } from "./keeper-start.ts";

/** Long for a data plane that lives, short for somebody who waits for it. */
const EMERGENCY_ANSWER_MS = 1_500;

/** What `rollback --now` works with: no engine, no plan, no journal, and nothing that is made or started. */
export async function emergencyExit(state: StateFolder, self: readonly string[]): Promise<EmergencyExit> {
  const [plane, keeper, journal, log, health, clock] = await Promise.all([
    emergencyPlane(state, self),
    import("../adapters/runtime/processes/keeper-epoch.ts"),
    import("../adapters/journal/read-epoch.ts"),
    import("../adapters/emergency/file.ts"),
    import("../adapters/health/http.ts"),
    import("../adapters/clock/system.ts"),
  ]);
  return {
    clock: clock.systemClock,
    ...plane,
    health: health.createHealthProbe({ clock: clock.systemClock, redact: (text) => text }),
    log: log.createEmergencyLog(state),
    others: [
      keeper.keeperEpoch(state),
      { name: "the journal", epoch: async () => journal.readEpoch(state.file("journal.db")) },
    ],
  };
}

/** The data plane of a state folder, for who has no plan. */
async function emergencyPlane(
  state: StateFolder,
  self: readonly string[],
): Promise<Pick<EmergencyExit, "traffic" | "lastResort">> {
  const { rememberedHaproxy } = await import("../adapters/traffic/haproxy/remembered.ts");
  const remembered = rememberedHaproxy(state);
  if (remembered !== null) {
    const [{ createHaproxyTraffic }, { createHaproxyLastResort }] = await Promise.all([
      import("../adapters/traffic/haproxy/traffic.ts"),
      import("../adapters/traffic/haproxy/last-resort.ts"),
    ]);
    return {
      traffic: createHaproxyTraffic({ ...remembered, answerMs: EMERGENCY_ANSWER_MS }),
      lastResort: createHaproxyLastResort(remembered),
    };
  }
  const [{ createEmbeddedTraffic }, { createEmbeddedLastResort }] = await Promise.all([
    import("../adapters/traffic/embedded.ts"),
    import("../adapters/traffic/embedded-last-resort.ts"),
  ]);
  const startKeeper = async (): Promise<void> => {
    const { ensureKeeper } = await import("../adapters/runtime/processes/ensure-keeper.ts");
    await ensureKeeper(keeperStart(state, self));
  };
  return {
    traffic: createEmbeddedTraffic({ folder: state, startProxy: startKeeper, answerMs: EMERGENCY_ANSWER_MS }),
    lastResort: createEmbeddedLastResort({ folder: state, startKeeper }),
  };
}
