import type { Release } from "../../core/release/release.ts";
import type { Status } from "../../core/status/status.ts";
import { formatDuration } from "../../core/time/time.ts";

/** What the data plane does with a partial share that nobody watches; empty where there is none. */
export function unwatchedSentence(status: Status, release: Release): readonly string[] {
  const { afterMs, do: act } = release.plan.unwatched;
  if (status.sharePercent === 0 || status.sharePercent === 100 || status.stable === null) return [];
  if (act === "hold")
    return [`Unwatched, ${status.sharePercent}% stays on ${status.candidate.label}: the plan says hold.`];
  return [`Unwatched, all of the traffic goes back to ${status.stable.label} after ${formatDuration(afterMs)}.`];
}
