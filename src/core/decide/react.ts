import type { Because, ReleaseEvent } from "../release/event.ts";
import { guardId } from "../plan/guard.ts";
import { fullStop } from "../text/plain-text.ts";
import type { Step, StepOf } from "../plan/step.ts";
import type { Hold, Release } from "../release/release.ts";
import { takesAway } from "./database-recipe.ts";
import { noWayBack } from "./way-back.ts";

/** What the plan says to do when the step fails. */
export function failStep(release: Release, step: Step, because: Because): readonly ReleaseEvent[] {
  const failed: ReleaseEvent = { type: "step-failed", step: step.id, because };
  const ended = noWayBack(release) ?? followed(release);
  if (ended !== null)
    return [failed, ...hold(release, step, true, { ...because, sentence: `${fullStop(because.sentence)} ${ended}` })];
  if (isContract(release, step))
    return [
      failed,
      ...hold(release, step, true, { ...because, sentence: `${fullStop(because.sentence)} ${wayStaysOpen(release)}` }),
    ];
  switch (release.plan.automaticRollback ? step.else : "hold") {
    case "rollback":
      return [failed, { type: "rollback-decided", because, by: null }];
    case "step-back":
      return stepBack(release, step, because) ?? [failed, { type: "rollback-decided", because, by: null }];
    case "hold":
      return [failed, ...hold(release, step, true, because)];
  }
}

/** Whether the release waits for a person when the step fails, and does not go back as a whole. */
export function waitsWhenFailed(release: Release, step: Step): boolean {
  return !failStep(release, step, { kind: "waiting", sentence: "" }).some(({ type }) => type === "rollback-decided");
}

/** Nothing is wrong with the version that has all of the traffic: it would go back for what nobody needs any more. */
function isContract(release: Release, step: Step): boolean {
  return release.stable !== null && release.standbyRetired && step.kind === "migrate" && takesAway(release, step);
}

function wayStaysOpen({ stable }: Release): string {
  return `Nothing was taken away, so the way back to ${stable?.label ?? "the version before"} is open.`;
}

/** To the last lower share; null where there is none. */
export function stepBack(release: Release, from: Step, because: Because): readonly ReleaseEvent[] | null {
  const lower = lowerShift(release);
  return lower === null
    ? null
    : [{ type: "stepped-back", from: from.id, to: lower.id, share: lower.share, because, by: null }];
}

/** Going back by itself would take down what a newer release has put there. */
function followed({ followedBy }: Release): string | null {
  return followedBy === null
    ? null
    : `Release ${followedBy} has taken its place, so this one does not go back by itself.`;
}

/** The last shift before the step that is due, with a lower share; null where nobody would take the rest. */
export function lowerShift(release: Release): StepOf<"shift"> | null {
  if (release.stable === null || release.begun.standbyStop || release.followedBy !== null) return null;
  const before = release.plan.steps.slice(0, release.cursor);
  return (
    before.findLast((step): step is StepOf<"shift"> => step.kind === "shift" && step.share < release.share) ?? null
  );
}

/** Says that the release is held, once for each reason, and again when that is another one by now. */
export function hold(release: Release, step: Step, needsPerson: boolean, because: Because): readonly ReleaseEvent[] {
  const now = release.hold;
  if (
    now !== null &&
    now.step === step.id &&
    now.needsPerson === needsPerson &&
    now.because.kind === because.kind &&
    idOf(now.because) === idOf(because) &&
    !saysMore(now, because)
  )
    return [];
  return [{ type: "held", step: step.id, because, needsPerson }];
}

function idOf({ verdict }: Because): string | null {
  return verdict === undefined ? null : guardId(verdict);
}

/** What people have done of what is waited for, changes the sentence; figures that only run on with the clock are no news. */
function saysMore({ because: before, needsPerson }: Hold, because: Because): boolean {
  if (because.kind !== "waiting") return false;
  const wording = (sentence: string): string => (needsPerson ? sentence : sentence.replaceAll(/\d+/g, ""));
  return wording(before.sentence) !== wording(because.sentence);
}
