import { FaultError } from "../../core/fault.ts";
import { refusalOf, stoppingIn } from "../../core/migration/refusal.ts";
import type { PlacedFinding } from "../../ports/migrations.ts";

/** Faults: migration-lint, where the linter finds an error that nobody has allowed. */
export function refuseFindings(
  files: readonly { readonly file: string; readonly findings: readonly PlacedFinding[] }[],
): void {
  const names = [...new Set(stoppingIn(files).map(({ file }) => file))].join(", ");
  const refusal = refusalOf(files, (errors) => `${names}: ${errors}. Nothing was run.`);
  if (refusal !== null) throw new FaultError(refusal);
}
