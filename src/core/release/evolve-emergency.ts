import type { Emergency } from "./emergency.ts";
import { isEnded, type Release } from "./release.ts";
import type { Moment } from "../time/time.ts";

/** What was done before the journal was told counts from when it was done. */
export function emergencyNoted(release: Release, emergency: Emergency, at: Moment): Release {
  const next = { ...release, emergencies: [...release.emergencies, emergency] };
  if (emergency.outcome === "frozen") {
    const { sentence } = emergency.because;
    // As if a person had paused it: it stays where it is, guards go on watching, and a person resumes it.
    return isEnded(next) || next.undo !== null
      ? next
      : { ...next, paused: { by: emergency.by ?? "tidegate", reason: sentence, at } };
  }
  if (next.undo === null) return { ...next, share: 0 };
  const { undo } = next;
  return {
    ...next,
    share: 0,
    undo: {
      ...undo,
      decidedAt: { ...undo.decidedAt, wall: Math.min(undo.decidedAt.wall, emergency.at) },
      fromShare: Math.max(undo.fromShare, emergency.fromShare),
    },
  };
}
