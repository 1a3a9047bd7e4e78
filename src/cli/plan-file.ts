import type { LoadedPlan } from "../config/load.ts";
import type { Context } from "./context.ts";
import { type Project, requirePlanFile } from "./project.ts";

/** Reads and compiles the plan file of a project. Faults: plan-file-missing; PlanFileError with all its mistakes. */
export async function loadPlan(context: Context, project: Project): Promise<LoadedPlan> {
  requirePlanFile(project);
  const { loadPlanFile } = await import("../config/load.ts");
  return loadPlanFile({
    env: context.env,
    environment: project.environment,
    // A file that was named is read as it is; one that was found must be the only one of its folder.
    ...(context.global.file === undefined ? { cwd: project.folder } : { cwd: context.cwd, path: context.global.file }),
  });
}
