import type { RoutingTable } from "../core/traffic/routing.ts";
import { WHOLE } from "../core/traffic/share.ts";
import { type Duration, formatDuration } from "../core/time/time.ts";
import { Refusal } from "../local/control-socket.ts";
import type { StateFolder } from "../local/state-folder.ts";

/** Only ever takes traffic away from the candidate. */
export function isTowardStable(before: RoutingTable | null, table: RoutingTable): boolean {
  if (before === null || before.stable === null || before.candidate === null) return false;
  if (table.stable?.version !== before.stable.version) return false;
  return (
    table.candidate === null ||
    (table.candidate.version === before.candidate.version && (table.share < before.share || table.share === 0))
  );
}

/**
 * The version that must have nothing in flight any more before another one may serve; null: none, because the table knows
 * no such rule, the same one serves on, or it is an emergency, which waits for nothing.
 */
export function versionToEmpty(before: RoutingTable | null, table: RoutingTable): string | null {
  if (before === null || table.pause === undefined || table.emergency !== undefined) return null;
  const [from, to] = [serving(before), serving(table)];
  return from !== null && to !== null && from !== to ? from : null;
}

/** The version that has all of the traffic; null: none, or there are two. */
function serving({ stable, candidate, share }: RoutingTable): string | null {
  if (share === 0) return stable?.version ?? null;
  return share === WHOLE ? (candidate?.version ?? null) : null;
}

export function notEmptied(version: string, left: number, forMs: Duration): Refusal {
  return new Refusal(409, {
    code: "switch-not-drained",
    what: `${left === 1 ? "One request was" : `${left} requests were`} still under way on ${version.slice(0, 12)} after a pause of ${formatDuration(forMs)}, and two versions must not serve at once: it stays as it was.`,
    fix: "give traffic.pause more time, or let what lasts so long end first",
  });
}

export function notSaved(folder: StateFolder, error: unknown, consequence: string): Refusal {
  return new Refusal(507, {
    code: "table-not-saved",
    what: `The routing table could not be written to disk. ${consequence}`.trim(),
    where: folder.path,
    cause: error instanceof Error ? error.message : String(error),
    fix: "make room on the disk, then write again",
  });
}
