import type { Evidence } from "../core/diagnosis/evidence.ts";
import type { SecondRow } from "../core/observation.ts";

/** Gathers what a rollback hands over of the bug. */
export interface EvidenceGatherer {
  /** Never throws, and takes seconds at most: what can't be had is told in `missing`. */
  gather(of: {
    readonly candidate: string;
    /** null: the first release of the app. */
    readonly stable: string | null;
    /** What the data plane saw of both versions since the candidate got traffic. */
    readonly rows: readonly SecondRow[];
  }): Promise<Evidence>;
}
