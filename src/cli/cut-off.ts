import type { Plan } from "../core/plan/plan.ts";
import type { Context } from "./context.ts";

export const NOBODY_IS_ANSWERED = "instances run, but no data plane before them: nobody is answered";
export const START_PLANE = "tidegate proxy restart";

/** Whether instances that visitors are sent to run: where no data plane does, nobody reaches any. */
export async function serves(context: Context, plan: Plan): Promise<boolean> {
  const names = new Set(plan.services.flatMap(({ name, routes }) => (routes.length > 0 ? [name] : [])));
  const instances = await context.machinery.runningInstances(context.project().state, plan).catch(() => null);
  return instances?.some(({ service, state }) => names.has(service) && state === "running") ?? false;
}
