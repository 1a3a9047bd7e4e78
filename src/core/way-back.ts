import type { Fault } from "./fault.ts";
import type { InstanceSeen } from "./observation.ts";
import { isRunning, type Release } from "./release.ts";

/**
 * Why a rollback has nowhere to go, in a sentence; null where it has. What was taken over was started by somebody else:
 * once it is retired, nobody here can start it again.
 */
export function noWayBack({ stable, begun }: Release): string | null {
  if (stable?.adopted === undefined || !begun.standbyStop) return null;
  return `${stable.label} was retired, and Tidegate can't start again what it did not start.`;
}

/**
 * Why a release that has ended can't be rolled back where nothing of it runs, as after `tidegate down`; null where it
 * can, as one whose previous version is started again anyway. `instances`: all that there are.
 */
export function nothingRuns(release: Release, instances: readonly InstanceSeen[]): Fault | null {
  const { app, stable, candidate, standbyRetired, state } = release;
  if (isRunning(release) || (state !== "live" && state !== "closed")) return null;
  if (stable !== null && standbyRetired) return null;
  const lives = instances.some(
    (each) =>
      each.state !== "exited" &&
      [stable, candidate].some((placed) => placed?.version === each.version && placed.slot === each.slot),
  );
  if (lives) return null;
  return {
    code: "nothing-runs",
    what: `Nothing of ${app} runs here, so there is nothing to roll back.`,
    fix: `start the version that shall serve: tidegate release ${(stable ?? candidate).label}`,
  };
}
