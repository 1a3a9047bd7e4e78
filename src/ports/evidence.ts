import type { Evidence } from "../core/evidence.ts";
import type { SecondRow } from "../core/observation.ts";

/** What the failing version did that stable did not. Never throws: what can't be read is left out. */
export interface EvidenceGatherer {
  gather(input: {
    readonly candidate: string;
    readonly stable: string | null;
    readonly rows: readonly SecondRow[];
    /** Newest lines last, by version. */
    readonly logs: { readonly candidate: readonly string[]; readonly stable: readonly string[] };
    readonly commits: readonly string[];
  }): Promise<Evidence>;
}
