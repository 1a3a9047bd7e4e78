import { existsSync } from "node:fs";
import type { AppAndEnvironment } from "../cli/machinery.ts";
import type { InstanceSeen } from "../core/observation.ts";
import type { StateFolder } from "../local/state-folder.ts";
import { STOP_MS } from "./containers.ts";

/** Whether systemd runs anything of a state folder, or did. Most have none, and need not load what asks it. */
export function hasUnits(state: StateFolder): boolean {
  return existsSync(state.file("systemd", "units"));
}

export async function unitsThere(state: StateFolder, of: AppAndEnvironment | null): Promise<readonly InstanceSeen[]> {
  if (!hasUnits(state)) return [];
  const { keptUnits } = await import("../adapters/runtime/systemd/kept-units.ts");
  return keptUnits(state, of);
}

/** Answers which of them systemd runs; none are named: all of them. */
export async function stopUnits(state: StateFolder, ids: readonly string[] | null): Promise<readonly string[]> {
  if (!hasUnits(state)) return [];
  const { stopKeptUnits } = await import("../adapters/runtime/systemd/kept-units.ts");
  return stopKeptUnits(state, ids, STOP_MS);
}
