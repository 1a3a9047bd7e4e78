import type { Plan } from "../../core/plan/plan.ts";
import { shortVersion } from "../../core/text/short-version.ts";
import type { Context } from "../context.ts";
import type { Outside } from "../machinery.ts";
import { trySources } from "../try-sources.ts";
import { type Finding, found } from "./finding.ts";

/** Whether each source of figures can be asked, understands its question and gives one number. */
export async function lookAtSources(context: Context, plan: Plan, outside: Outside): Promise<readonly Finding[]> {
  const trials = await trySources(context, plan, outside, (instances) => {
    const living = instances.find(({ state }) => state === "running");
    return living === undefined ? null : { version: living.version, label: shortVersion(living.version) };
  });
  return trials.map(({ guard, kind, reading, sentence }) => {
    const name = `figure ${guard}`;
    const told = `${kind}: ${sentence}`;
    if (reading.kind === "down")
      return found(name, "bad", told, reading.fix ?? "without it the steps that it guards wait");
    return found(name, reading.kind === "value" ? "ok" : "info", told);
  });
}
