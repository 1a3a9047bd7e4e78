import { failStep, hold } from "./react.ts";
import type { Because, Placed, ReleaseEvent } from "../release/event.ts";
import { fullStop } from "../text/plain-text.ts";
import type { Step } from "../plan/step.ts";
import { guardId, isActedOn } from "../plan/guard.ts";
import type { Release, StepProgress } from "../release/release.ts";
import { routed } from "./recipe.ts";
import { instancesOf, type Seen, readiness } from "./seen.ts";
import { noWayBack } from "./way-back.ts";
import type { Moment } from "../time/time.ts";

/**
 * What must be acted on whatever the step does, paused or not: a guard that says rollback, a candidate with traffic
 * that is no longer ready. Where going back would not help, it freezes and asks for a person instead of flapping.
 * null: no danger. Empty: there is, and all that follows from it has been said.
 */
export function watchForDanger(
  release: Release,
  step: Step,
  progress: StepProgress,
  seen: Seen,
  now: Moment,
): readonly ReleaseEvent[] | null {
  if (progress.state !== "running" || progress.promoted) return null;
  // A newer release has taken its place beside it: what traffic needs is that one's business.
  if (release.followedBy !== null) return null;
  const danger = findDanger(release, seen, now);
  if (danger === null) return null;
  if (release.stable !== null && !release.begun.standbyStop && isUnknown(release, release.stable, seen)) return [];
  const environment = incidentOfEnvironment(release, danger, seen, now);
  if (environment !== null) return hold(release, step, true, environment);
  if (
    release.hold?.needsPerson === true &&
    release.hold.because.kind === danger.kind &&
    (!release.plan.automaticRollback || step.else === "hold")
  )
    return [];
  const changed = danger.verdict === undefined ? [] : verdictEvent(release, step, danger.verdict);
  return [...changed, ...failStep(release, step, danger)];
}

function findDanger(release: Release, seen: Seen, now: Moment): Because | null {
  const verdict = seen.verdicts
    .filter(isActedOn)
    .find(({ verdict: said, level }) => said === "fail" && level === "rollback");
  if (verdict !== undefined) return { kind: "guard", sentence: verdict.sentence, verdict };
  if (release.share === 0 || routed(release).length === 0 || seen.instances.length === 0) return null;
  if (!isDown(release, release.candidate, seen)) return null;
  const { sentence } = readiness(release, "candidate", seen, now.wall);
  return { kind: "not-ready", sentence: `${release.candidate.label} can no longer serve: ${sentence}.` };
}

/** One sick instance of several is the data plane's business; a service with none left is the release's. */
function isDown(release: Release, placed: Placed, seen: Seen): boolean {
  return routed(release).some(({ name }) =>
    instancesOf(seen, placed, name).every(({ id }) => seen.health[id]?.down === true),
  );
}

/** Just after an engine took over nobody has answered yet: what is not known is waited for, not acted on. */
function isUnknown(release: Release, placed: Placed, seen: Seen): boolean {
  return routed(release).some(({ name }) => {
    const health = instancesOf(seen, placed, name).map(({ id }) => seen.health[id]);
    return health.length > 0 && health.every((each) => each?.ready !== true && each?.down !== true);
  });
}

function incidentOfEnvironment(release: Release, danger: Because, seen: Seen, now: Moment): Because | null {
  if (release.stable === null) {
    if (release.share === 0) return null;
    return {
      ...danger,
      kind: "environment",
      sentence: `${fullStop(danger.sentence)} There is no earlier version to go back to.`,
    };
  }
  const ended = noWayBack(release);
  if (ended !== null) return { ...danger, kind: "environment", sentence: `${fullStop(danger.sentence)} ${ended}` };
  const { verdict: broken } = danger;
  const stableToo = seen.stableVerdicts.find(
    (verdict) =>
      broken !== undefined &&
      guardId(verdict) === guardId(broken) &&
      verdict.verdict === "fail" &&
      verdict.level === "rollback",
  );
  if (stableToo !== undefined) {
    return {
      ...danger,
      kind: "environment",
      sentence: `${fullStop(danger.sentence)} ${release.stable.label} is as bad, so this looks like an incident of the environment and going back would not help.`,
    };
  }
  if (release.begun.standbyStop || routed(release).length === 0 || !isDown(release, release.stable, seen)) return null;
  const stable = readiness(release, "stable", seen, now.wall);
  return {
    ...danger,
    kind: "environment",
    sentence: `${fullStop(danger.sentence)} ${release.stable.label} can't take the traffic either: ${stable.sentence}.`,
  };
}

function verdictEvent(release: Release, step: Step, verdict: NonNullable<Because["verdict"]>): readonly ReleaseEvent[] {
  const before = release.verdicts[guardId(verdict)];
  return before?.verdict === verdict.verdict && before.level === verdict.level
    ? []
    : [{ type: "verdict-changed", step: step.id, verdict }];
}
