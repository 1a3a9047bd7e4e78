import type { Fault } from "../fault.ts";
import type { Step } from "../plan/step.ts";
import type { ReleaseEvent } from "../release/event.ts";
import type { Release } from "../release/release.ts";
import { fullStop } from "../text/plain-text.ts";
import type { Instant } from "../time/time.ts";
import { hold } from "./react.ts";
import { readiness, type Seen } from "./seen.ts";

/**
 * Without the twin nothing is compared, and what it stands in for must not take its place unsaid: a person decides. It is
 * no failure of the candidate, so nothing is put back.
 */
export function holdForTwin(release: Release, step: Step, failed: string, fault: Fault): readonly ReleaseEvent[] {
  const sentence =
    failed === "stop-twin"
      ? `Its twin can't be stopped: ${fullStop(fault.what)} "retry" tries again, "promote" leaves it.`
      : `Its twin can't be had, so nothing can be compared with it: ${fullStop(fault.what)} "retry" tries again, "promote" goes on without.`;
  return hold(release, step, true, { kind: "effect", sentence, fault });
}

/** Why the share is not given, though the candidate is ready. */
export function twinMissing(release: Release, seen: Seen, now: Instant): string {
  const { sentence } = readiness(release, "twin", seen, now);
  return `Its twin is not ready to be compared with: ${sentence}.`;
}
