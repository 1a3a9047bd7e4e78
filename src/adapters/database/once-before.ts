import type { MigrationPhase } from "../../core/plan/database.ts";
import type { UpRequest } from "../../ports/migrations.ts";

/** Asks who wants to know of it once for a file that takes away, however many commits it has; nothing for any other. */
export function onceBefore(
  { file, phase }: { readonly file: string; readonly phase: MigrationPhase },
  { beforeContract }: Pick<UpRequest, "beforeContract">,
): { readonly beforeDone?: () => Promise<void> } {
  if (phase !== "contract" || beforeContract === undefined) return {};
  let asked: Promise<void> | null = null;
  return { beforeDone: () => (asked ??= beforeContract(file)) };
}
