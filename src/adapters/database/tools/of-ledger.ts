import type { LedgerRow, rowOf } from "../ledger-row.ts";
import type { Revision } from "./tool.ts";

/** A revision as the ledger keeps files: of its statements nobody knows. */
export function ofLedger(revision: Revision, phase: LedgerRow["phase"]): Parameters<typeof rowOf>[0] {
  return { ...revision, phase, up: { statements: 0 } };
}
