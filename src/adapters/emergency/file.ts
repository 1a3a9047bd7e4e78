import { clearEmergency, EMERGENCY_FILE, readEmergencies, writeEmergency } from "../../local/emergency-file.ts";
import type { StateFolder } from "../../local/state-folder.ts";
import type { EmergencyLog } from "../../ports/emergency-log.ts";

/** In the state folder, in a file whose place is taken beforehand. */
export function createEmergencyLog(folder: StateFolder): EmergencyLog {
  const path = folder.file(EMERGENCY_FILE);
  return {
    note: (emergency) => writeEmergency(path, emergency),
    pending: () => readEmergencies(path),
    forget: (id) => clearEmergency(path, id),
  };
}
