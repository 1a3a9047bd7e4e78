import type { Fault } from "../fault.ts";
import type { Placed } from "./event.ts";
import { isRunning, type Release } from "./release.ts";
import { WHOLE } from "../traffic/share.ts";

/**
 * Where stable runs a second time for the candidate to be compared with. null: the plan asks for no twin, or there is
 * nothing to make one of: what was taken over was started by somebody else.
 */
export function twinOf({ plan, stable }: Pick<Release, "plan" | "stable">): Placed | null {
  if (plan.twin !== true || stable === null || stable.adopted !== undefined) return null;
  return { version: stable.version, label: stable.label, slot: "twin" };
}

/** What was taken over was started by somebody else, and what nobody here can start has no twin. */
export const NO_TWIN_OF_ADOPTED: Fault = {
  code: "twin-not-possible",
  what: "The plan compares with a twin of what serves, and Tidegate can't start another instance of what it did not start.",
  fix: "take `twin` out of the plan file for this one release",
};

/** Whether the twin that was started is still compared with: not once the candidate has all traffic, or none is to have any. */
export function needsTwin(release: Release): boolean {
  return isRunning(release) && release.undo === null && release.begun.twin && release.share < WHOLE;
}
