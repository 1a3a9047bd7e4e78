import type { Fault } from "../fault.ts";
import type { InstanceSeen } from "../observation.ts";
import { isRunning, type Release } from "../release/release.ts";

/**
 * Why a rollback has nowhere to go, in a sentence; null where it has. After the contract step the database is not any more
 * what the version before needs. What was taken over was started by somebody else: once it is retired, nobody here can
 * start it again.
 */
export function noWayBack({ stable, begun }: Release): string | null {
  if (stable === null) return null;
  if (begun.contract !== "nothing")
    return `The contract step has begun, and what ${stable.label} needs of the database may be gone: this was the point of no return.`;
  if (stable.adopted === undefined || !begun.standbyStop) return null;
  return `${stable.label} was retired, and Tidegate can't start again what it did not start.`;
}

/** What is left to do where there is no way back. */
export function insteadOfBack({ begun }: Release): string {
  const release = "release the version that shall serve: tidegate release VERSION";
  if (begun.contract === "nothing") return release;
  return `${release}; or bring the database back as it was, without what was written since: tidegate restore, and then release the version before`;
}

/** What a rollback would undo and how long it takes (I7); why it can't and what remains, where it can't. */
export function rollbackSentence(release: Release): string {
  const { stable, candidate } = release;
  const ended = noWayBack(release);
  if (ended !== null) return `Not possible: ${ended} Instead, ${insteadOfBack(release)}.`;
  if (stable === null) return `Stops ${candidate.label}; nothing serves then, because there is no earlier version.`;
  const commands = release.begun.commands.filter(({ undo }) => undo !== null).length;
  const beside = commands === 0 ? "" : `, undoes ${commands} command${commands === 1 ? "" : "s"}`;
  const schema = release.begun.migrated ? ", and takes back what was migrated where nothing is lost by it" : "";
  if (!release.begun.standbyStop)
    return `Puts 100% back on ${stable.label} at once, which still runs${beside}, then stops ${candidate.label}${schema}. Under 1s for users.`;
  const start = release.steps
    .flatMap(({ effects }) => Object.values(effects))
    .find(({ effect, state }) => effect.kind === "start" && state === "confirmed");
  const took =
    start?.tookMs === null || start?.tookMs === undefined
      ? "as long as its start takes"
      : `about ${Math.ceil(start.tookMs / 1000)}s`;
  return `${stable.label} was retired: starts it again (${took}), then puts 100% on it${beside}, then stops ${candidate.label}${schema}.`;
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
