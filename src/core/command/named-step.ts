import { type CommandAnswer, refuse } from "./command-answer.ts";
import type { Step } from "../plan/step.ts";
import { currentStep, type Release, type StepProgress } from "../release/release.ts";

/** By id, name or number (from 1); absent: the step that is due. */
export function findStep(
  release: Release,
  wanted: string | undefined,
): { readonly step: Step; readonly progress: StepProgress } | null {
  if (wanted === undefined) return currentStep(release);
  const index = release.plan.steps.findIndex(
    ({ id, name }, at) => id === wanted || name === wanted || String(at + 1) === wanted,
  );
  const step = release.plan.steps[index];
  const progress = release.steps[index];
  return step === undefined || progress === undefined ? null : { step, progress };
}

/** The answer to a name that no step has. */
export function unknownStep(release: Release, wanted: string | undefined): CommandAnswer {
  const names = release.plan.steps.map(({ name }, at) => `${at + 1} ${name}`).join(", ");
  return refuse(
    "step-unknown",
    wanted === undefined ? "No step is due." : `The plan has no step "${wanted}".`,
    `the steps are: ${names}`,
  );
}
