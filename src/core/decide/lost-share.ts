import type { ReleaseEvent } from "../release/event.ts";
import { routed } from "./recipe.ts";
import type { Release, StepProgress } from "../release/release.ts";
import type { Step } from "../plan/step.ts";
import type { Seen, TrafficSeen } from "./seen.ts";
import { formatShare, type Share, WHOLE } from "../traffic/share.ts";

/**
 * A share that the plane had confirmed and no longer gives, whatever the step does: nobody watched, and it went back to
 * stable by itself, or somebody else changed it. null: it is as it was, or just being changed.
 */
export function lostShare(
  release: Release,
  step: Step,
  progress: StepProgress,
  { traffic: found }: Seen,
): readonly ReleaseEvent[] | null {
  const { share } = release;
  if (found === null || share === 0 || routed(release).length === 0) return null;
  if (share === WHOLE && !canLoseWhole(release, step, found)) return null;
  if (isAsGiven(release, found, share) || isLeft(release, found)) return null;
  if (Object.values(progress.effects).some(({ effect, state }) => effect.kind === "share" && state !== "confirmed"))
    return null;
  const goesOn = release.paused === null && progress.state !== "failed";
  const sentence = driftSentence(share, found, goesOn);
  return [{ type: "share-drifted", wanted: share, found: found.share, ...lostTwinOf(release, found), sentence }];
}

/** Whether what was found is to stay as it is: somebody changed it, and the plan says to leave that. */
export function isLeft({ plan }: Release, { returnedByItself }: TrafficSeen): boolean {
  return plan.drift === "leave" && !returnedByItself;
}

/** What a drift says of the twin. */
export function lostTwinOf(release: Release, found: TrafficSeen): { readonly lostTwin?: true } {
  return lacksTwin(release, found) ? { lostTwin: true } : {};
}

function lacksTwin({ hasTwin }: Release, found: TrafficSeen): boolean {
  return hasTwin && found.hasTwin !== true;
}

/** A shift sees to it itself at its end, and where only one of the two versions is left there is nothing to divide. */
function canLoseWhole({ stable, candidate }: Release, step: Step, found: TrafficSeen): boolean {
  return step.kind !== "shift" && found.candidate === candidate.version && found.stable === (stable?.version ?? null);
}

/** Whether the plane gives what it confirmed: the share to the candidate, and its part to the twin of stable. */
export function isAsGiven(release: Release, found: TrafficSeen, share: Share): boolean {
  if (found.share !== share || found.candidate !== release.candidate.version) return false;
  return share === WHOLE || !lacksTwin(release, found);
}

/** `goesOn`: it is given again at once; else when the release goes on. */
export function driftSentence(
  wanted: Share,
  { share: found, returnedByItself }: Pick<TrafficSeen, "share" | "returnedByItself">,
  goesOn = true,
): string {
  const what =
    found === wanted
      ? "The data plane no longer gave the candidate and its twin what it had confirmed"
      : `The candidate had ${formatShare(found)} of the traffic instead of ${formatShare(wanted)}`;
  const why = returnedByItself
    ? "nobody watched, so the data plane went back to stable by itself"
    : "something else changed it";
  if (!goesOn) return `${what}: ${why}. It is given again when the release goes on.`;
  return returnedByItself ? `${what}: ${why}.` : `${what}: ${why}. Put right.`;
}
