import { type Release, currentStep, isEnded } from "./release.ts";
import type { Instant } from "../time/time.ts";
import { isMessageLeft } from "../decide/messages.ts";

/** Nothing is left to do now: the release has ended with every message sent or given up, or it waits for a person or a date. */
export function isSettled(release: Release, wall: Instant): boolean {
  if (isMessageLeft(release, wall)) return false;
  if (isEnded(release) && isMakingRoom(release)) return false;
  if (isEnded(release)) return true;
  if (release.undo !== null) return false;
  const current = currentStep(release);
  if (current === null) return false;
  const { step, progress } = current;
  if (release.hold?.needsPerson === true || release.paused !== null) return true;
  return (
    progress.state === "waiting" &&
    step.afterMs !== undefined &&
    release.liveAt !== null &&
    release.liveAt.wall + step.afterMs > wall
  );
}

/** A newer release waits until the standby is gone. */
function isMakingRoom({ followedBy, standbyRetired, undo }: Release): boolean {
  return followedBy !== null && !standbyRetired && undo === null;
}
