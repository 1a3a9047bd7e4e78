import type { Plan } from "../../core/plan/plan.ts";
import type { Context } from "../context.ts";
import type { Outside } from "../machinery.ts";
import { runningInstances, trySources } from "../try-sources.ts";
import { type Finding, found } from "./finding.ts";

/** Whether each source of figures can be asked, understands its question and gives one number. */
export async function lookAtSources(context: Context, plan: Plan, outside: Outside): Promise<readonly Finding[]> {
  const instances = await runningInstances(context, plan);
  const living = instances.find(({ state }) => state === "running");
  const stable = living === undefined ? null : { version: living.version, label: living.version.slice(0, 7) };
  const trials = await trySources(plan, outside, instances, stable);
  return trials.map(({ guard, kind, reading, sentence }) => {
    const name = `figure ${guard}`;
    const told = `${kind}: ${sentence}`;
    if (reading.kind === "down")
      return found(name, "bad", told, reading.fix ?? "without it the steps that it guards wait");
    return found(name, reading.kind === "value" ? "ok" : "info", told);
  });
}
