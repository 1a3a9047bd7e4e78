import { readFileSync } from "node:fs";
import { FaultError } from "../core/fault.ts";
import type { Project } from "./project.ts";

/**
 * A folder of state that the environment names may be another app's: who wants to put the shop back must not put the
 * blog back. Asks the plan file for nothing but its name, because a way back must not wait for a mistake in the rest;
 * one that does not tell it is believed. Faults: state-foreign.
 */
export function mustBeStateOf({ planFile, state }: Project, app: string): void {
  const named = planFile === null ? null : appNamedIn(planFile);
  if (named === null || named === app) return;
  throw new FaultError({
    code: "state-foreign",
    what: `The state here is the one of ${app}, and the plan file is for ${named}.`,
    where: state.path,
    fix: `for ${named}, choose its own state folder: --state, or TIDEGATE_STATE ; for ${app}, go to its folder, or name its plan file: --file. Was it only renamed? then it needs its old name for this`,
  });
}

/** Without reading the rest of it; null: it does not say it in a way that can be seen so. */
export function appNamedIn(planFile: string): string | null {
  if (planFile.endsWith(".ts")) return null;
  try {
    return /^app:[ \t]*(["']?)([a-z0-9-]+)\1[ \t]*(?:#.*)?$/m.exec(readFileSync(planFile, "utf8"))?.[2] ?? null;
  } catch {
    return null;
  }
}
