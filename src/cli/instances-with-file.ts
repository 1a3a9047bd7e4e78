import { FaultError } from "../core/fault.ts";
import type { AppDatabase } from "./app-database.ts";
import type { Context } from "./context.ts";

/**
 * The app's instances that run here and have its database as a file: each may open it at any time, and nobody sees of one that opens it for
 * every request that it does. Empty where the database is no file.
 */
export async function instancesWithFile(
  { machinery, project }: Context,
  { plan, database }: AppDatabase,
): Promise<readonly string[]> {
  if (plan === null || database.kind !== "sqlite") return [];
  // Where nobody knows what runs, whoever has it open at that moment is seen all the same.
  const instances = (await machinery.runningInstances(project().state, plan).catch(() => null)) ?? [];
  return instances.filter(({ state }) => state !== "exited").map(({ id }) => id);
}

export function withFileSentence(instances: readonly string[]): string {
  return `${instances.join(", ")} ${instances.length === 1 ? "runs" : "run"} here and may open it at any time: a restore is refused until ${instances.length === 1 ? "it is" : "they are"} stopped (tidegate down).`;
}

/** Faults: restore-refused. */
export function refuseUnderInstances(instances: readonly string[], target: string): void {
  if (instances.length === 0) return;
  throw new FaultError({
    code: "restore-refused",
    what: "The app runs, and may open the database at any time: it would write to the old file, or mix its log with the new one.",
    where: target,
    cause: instances.join(", "),
    fix: "stop the app (tidegate down), restore, and start it again (tidegate release); or restore beside it: --into PATH",
  });
}
