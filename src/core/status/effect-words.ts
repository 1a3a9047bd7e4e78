import type { Step } from "../plan/step.ts";

/** What an effect of a step does, behind the step's name: an item of a checklist in its own words. Empty: the step's name says it. */
export function effectWords(step: Step, effect: string): string {
  if (effect === step.kind || effect === step.name) return "";
  const item =
    step.kind === "check" ? step.checklist.items.find(({ id }) => effect === `check-${id}`)?.text : undefined;
  return item === undefined ? effect : `"${item}"`;
}
