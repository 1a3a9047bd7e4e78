import type { Emergency } from "../../core/release/emergency.ts";
import { FaultError } from "../../core/fault.ts";
import type { EmergencyLog } from "../../ports/emergency-log.ts";

/** For tests: kept as long as the object, refused while it is told to. */
export interface MemoryEmergencyLog extends EmergencyLog {
  setRefusing(refusing: boolean): void;
}

export function createMemoryEmergencyLog(): MemoryEmergencyLog {
  const kept = new Map<string, Emergency>();
  let isRefusing = false;
  const mayWrite = (): void => {
    if (isRefusing) throw new FaultError({ code: "emergency-not-recorded", what: "The disk is gone." });
  };
  return {
    setRefusing: (refusing) => void (isRefusing = refusing),
    async note(emergency) {
      mayWrite();
      kept.set(emergency.id, emergency);
    },
    pending: async () => [...kept.values()].sort((a, b) => a.at - b.at),
    async forget(id) {
      mayWrite();
      kept.delete(id);
    },
  };
}
