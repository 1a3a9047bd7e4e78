import type { Release } from "../../src/core/release/release.ts";
import { statusOf } from "../../src/core/status/status.ts";

/** Where a release stands, as far as no later version of Tidegate may see it otherwise. */
export function standOf(release: Release): Readonly<Record<string, unknown>> {
  const { state, sharePercent, steps, current, hold, paused, rollback } = statusOf(release, release.lastAt, null);
  return {
    state,
    sharePercent,
    stable: release.stable?.version ?? null,
    candidate: release.candidate.version,
    steps: steps.map((each) => ({ id: each.id, state: each.state, attempt: each.attempt })),
    current: current === null ? null : current.step,
    isHeld: hold !== null,
    isPaused: paused !== null,
    undone: rollback === null ? null : rollback.undone.map(({ name, failed }) => ({ name, failed })),
    watchedMs: release.lastAt.watched,
  };
}
