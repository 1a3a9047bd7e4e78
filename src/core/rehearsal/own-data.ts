import type { Plan } from "../plan/plan.ts";

/** Whether what is changed in a rehearsal is its own: a copy of the database, or what the plan says that it works with instead. */
export function hasOwnData({ database, rehearsal }: Plan): boolean {
  return database !== undefined || Object.keys(rehearsal?.env ?? {}).length > 0;
}

/** Why what may change something is left out of a rehearsal without any. */
export const NO_DATA =
  "what that is would be production's: the plan names no `database:`, nor in `rehearsal: { env }` what there is instead";
