import { isAsGiven, isLeft } from "./lost-share.ts";
import { hold } from "./react.ts";
import { routed } from "./recipe.ts";
import type { ReleaseEvent } from "../release/event.ts";
import type { Release, StepProgress } from "../release/release.ts";
import type { Step } from "../plan/step.ts";
import type { Seen } from "./seen.ts";
import { formatShare } from "../traffic/share.ts";

/**
 * A share that something else has changed, where the plan says to leave it: the release holds until a person has decided,
 * or the share is as before, from when on it is watched anew. null: there is nothing of that.
 */
export function leftDrift(
  release: Release,
  step: Step,
  progress: StepProgress,
  { traffic: found }: Seen,
): readonly ReleaseEvent[] | null {
  const { share, regain } = release;
  if (found === null || share === 0 || progress.promoted || routed(release).length === 0) return null;
  if (!isLeft(release, found) || regain !== null || isStillGiven(step, progress)) return null;
  // With all of the traffic given only a shift looks after it: later the standby may be gone from the table.
  if (found.candidate !== release.candidate.version && step.kind !== "shift") return null;
  if (!isAsGiven(release, found, share))
    return hold(release, step, true, {
      kind: "drift",
      sentence: `The candidate has ${formatShare(found.share)} of the traffic instead of ${formatShare(share)}: something else changed it, and the plan says to leave that. "retry" gives ${formatShare(share)} again, "promote" goes on.`,
    });
  if (release.hold?.because.kind !== "drift") return null;
  const sentence = `The candidate has ${formatShare(share)} of the traffic again.`;
  return [
    { type: "share-drifted", wanted: share, found: found.share, sentence },
    { type: "hold-ended", step: step.id },
  ];
}

/** What the step itself gives has yet to be given, or is just being given. */
function isStillGiven(step: Step, { effects }: StepProgress): boolean {
  const shares = Object.values(effects).filter(({ effect }) => effect.kind === "share");
  if (shares.some(({ state }) => state !== "confirmed")) return true;
  return step.kind === "shift" && shares.length === 0;
}
