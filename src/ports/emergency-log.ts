import type { Emergency } from "../core/release/emergency.ts";

/** Where it is written down what was done before the journal could be told, until the journal has been. */
export interface EmergencyLog {
  /** On disk when it resolves, with a full disk too. Faults: emergency-not-recorded. */
  note(emergency: Emergency): Promise<void>;
  /** Oldest first; what can't be read is left out. */
  pending(): Promise<readonly Emergency[]>;
  /** The journal has it. Faults: emergency-not-recorded. */
  forget(id: string): Promise<void>;
}
