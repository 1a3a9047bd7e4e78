import { accept, type CommandAnswer, refuse } from "./command-answer.ts";
import type { Act } from "../release/event.ts";
import { findStep, unknownStep } from "./named-step.ts";
import { lowerShift } from "../decide/react.ts";
import { standsFirst } from "../plan/step.ts";
import { currentStep, type Release } from "../release/release.ts";
import { formatShare, WHOLE } from "../traffic/share.ts";

/** Ends the step that is due before its time. `seen`: the step that the person looked at. */
export function promote(release: Release, seen: string | undefined, act: Act): CommandAnswer {
  const current = currentStep(release);
  if (current === null) return refuse("nothing-to-promote", "Every step is done.");
  const { step, progress } = current;
  const over = overAlready(release, seen);
  if (over !== null) return over;
  if (progress.promoted) return { kind: "already", sentence: `"${step.name}" is promoted already.` };
  if (step.kind === "approve")
    return refuse(
      "needs-approval",
      `"${step.name}" waits for an approval, which promoting can't replace.`,
      "tidegate approve, or tidegate promote --skip STEP --reason …",
    );
  if (progress.state === "failed" && standsFirst(step)) {
    return refuse(
      "step-failed",
      `"${step.name}" failed, so there is nothing to promote: ${progress.because?.sentence ?? ""}`,
      "tidegate retry, or tidegate rollback",
    );
  }
  return accept(
    [{ type: "promoted", step: step.id, ...act }],
    `Promoted: "${step.name}" ends as soon as what it does is done.`,
  );
}

/** Goes on without a step, for a reason that is recorded. */
export function skip(release: Release, wanted: string, act: Act): CommandAnswer {
  const found = findStep(release, wanted);
  if (found === null) return unknownStep(release, wanted);
  const { step, progress } = found;
  if (progress.state === "passed" || progress.state === "skipped")
    return { kind: "already", sentence: `"${step.name}" is ${progress.state} already.` };
  if (step.kind === "start" || (step.kind === "shift" && step.share === WHOLE))
    return refuse("step-needed", `"${step.name}" can't be skipped: the rest of the plan stands on it.`);
  if (act.reason === undefined)
    return refuse("reason-missing", `Skipping "${step.name}" needs a reason for the record.`, `add --reason "…"`);
  return accept([{ type: "step-skipped", step: step.id, ...act }], `Skipped "${step.name}".`);
}

/** To the next lower share of the plan. */
export function stepBack(release: Release, seen: string | undefined, act: Act): CommandAnswer {
  const lower = lowerShift(release);
  const current = currentStep(release);
  const over = overAlready(release, seen);
  if (over !== null) return over;
  if (lower === null || current === null) {
    return refuse(
      "no-lower-step",
      `The candidate has ${formatShare(release.share)}, and the plan has no lower share before this step.`,
      "tidegate rollback goes back to stable",
    );
  }
  const because = {
    kind: "person",
    sentence: `${act.by} stepped back${act.reason === undefined ? "" : `: ${act.reason}`}.`,
  } as const;
  return accept(
    [{ type: "stepped-back", from: current.step.id, to: lower.id, share: lower.share, because, by: act.by }],
    `Stepping back to ${formatShare(lower.share)}.`,
  );
}

/** Who moved on from the step that they saw must not move on from another one unseen, nor twice from the same. */
function overAlready(release: Release, seen: string | undefined): CommandAnswer | null {
  const step = currentStep(release)?.step;
  if (seen === undefined || step === undefined || seen === step.id) return null;
  const meant = findStep(release, seen)?.step.name ?? seen;
  return { kind: "already", sentence: `"${meant}" is over already; now it is at "${step.name}".` };
}
