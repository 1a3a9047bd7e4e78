import type { LedgerRow } from "../ledger-row.ts";
import { keptAs } from "../ways-back.ts";
import type { Revision } from "./tool.ts";

/** Where the tool stands, and what Tidegate has written down of it. */
export interface Back {
  readonly revisions: readonly Revision[];
  readonly versions: readonly string[];
  readonly rows: ReadonlyMap<string, LedgerRow>;
}

/** One revision on the way back. */
export interface StepBack {
  readonly version: string;
  /** As people know it. */
  readonly name: string;
  readonly revision: Revision | null;
  readonly row: LedgerRow | null;
  /** A sentence without its full stop; null: its text has a way back. */
  readonly why: string | null;
}

/** What is applied, the newest first. */
export function stepsBack({ revisions, versions, rows }: Back): readonly StepBack[] {
  return versions.toReversed().map((version) => {
    const revision = revisions.find((each) => each.version === version) ?? null;
    const row = rows.get(version) ?? null;
    const isChanged = revision !== null && row !== null && row.sha256 !== null && row.sha256 !== revision.sha256;
    const why = isChanged ? "its file was changed after it was applied" : whyNot(revision);
    return { version, name: revision?.file ?? row?.file ?? version, revision, row, why };
  });
}

function whyNot(revision: Revision | null): string | null {
  if (revision === null) return "its file is not here";
  if (!revision.hasDown) return "it has no way back";
  if (revision.reversible === "no") return "it says that it can't be undone (`tidegate: reversible=no`)";
  return null;
}

/** Why a release leaves it; null: it takes it back. A sentence without its full stop. */
export function whyKept({ why, row, revision }: StepBack): string | null {
  const phase = row?.phase ?? "expand";
  if (why !== null || phase !== "expand") return keptAs(phase, why);
  if (revision?.reversible === "lossy") return "it says that its way back loses data (`tidegate: reversible=lossy`)";
  return null;
}
