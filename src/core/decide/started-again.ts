import type { Placed, ReleaseEvent } from "../release/event.ts";
import type { Step } from "../plan/step.ts";
import { routed } from "./recipe.ts";
import type { Release, StepProgress } from "../release/release.ts";
import { instancesOf, type Seen } from "./seen.ts";
import type { Instant } from "../time/time.ts";

/**
 * When both versions were started again since the share was given, a machine or its supervisor went down: what was answered
 * meanwhile says nothing of either, and the share is watched anew once both are ready. Null: they were not.
 */
export function startedAgain(
  release: Release,
  step: Step,
  { readyAt }: StepProgress,
  seen: Seen,
  now: Instant,
): readonly ReleaseEvent[] | null {
  if (step.kind !== "shift" || readyAt === null || release.stable === null || release.standbyRetired) return null;
  const sides = [release.stable, release.candidate];
  if (!sides.every((placed) => beganBetween(release, placed, seen, readyAt.wall, now))) return null;
  return [
    {
      type: "share-drifted",
      wanted: step.share,
      found: seen.traffic?.share ?? null,
      sentence: "Both versions were started again: what was answered meanwhile says nothing of either.",
    },
  ];
}

function beganBetween(release: Release, placed: Placed, seen: Seen, since: Instant, now: Instant): boolean {
  const instances = routed(release).flatMap(({ name }) => instancesOf(seen, placed, name));
  return (
    instances.length > 0 &&
    instances.every(
      // What has yet to begin has begun before a clock was put back: it would have begun after every new try.
      ({ adopted, startedAt }) => !adopted && startedAt !== undefined && startedAt > since && startedAt <= now,
    )
  );
}
