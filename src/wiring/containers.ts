import type { StateFolder } from "../local/state-folder.ts";

/** SIGTERM to SIGKILL, for what no plan says more of. */
export const STOP_MS = 10_000;

/** Answers which of them were containers; none are named: all of them. */
export async function stopContainers(state: StateFolder, ids: readonly string[] | null): Promise<readonly string[]> {
  if (!(await hasContainers(state))) return [];
  const { stopKeptContainers } = await import("../adapters/runtime/compose/kept-containers.ts");
  return stopKeptContainers(state, ids, STOP_MS);
}

/** Most have none, and should not wait until what asks a Docker engine is loaded. */
export async function hasContainers(state: StateFolder): Promise<boolean> {
  const { readEngines } = await import("../adapters/runtime/compose/engine-record.ts");
  return readEngines(state).length > 0;
}
