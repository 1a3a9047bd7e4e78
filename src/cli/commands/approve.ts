import type { Command } from "../../core/command/command.ts";
import { currentStep, isEnded, type Release } from "../../core/release/release.ts";
import { type CommandDefinition, textOption } from "../definition.ts";
import { calledRelease, runVerb } from "../verb.ts";
import { ACTS_ITSELF, VERB_OPTIONS } from "../verb-options.ts";

export const approve: CommandDefinition = {
  about: `Approves the step that waits for it. The approval is bound to the plan and the version that you saw: change one and it is void. With --item it ticks an item of a checklist. ${ACTS_ITSELF}`,
  arguments: [{ name: "step", required: false, about: "the step, by name or number; by default the one that waits" }],
  options: [
    { flags: "--item <id>", about: "tick this item of a checklist; tidegate status lists them" },
    { flags: "--release <id>", about: "of this release; by default the one that waits" },
    ...VERB_OPTIONS,
  ],
  examples: [
    { line: "tidegate approve", does: "approves what the release waits for" },
    { line: 'tidegate approve day-1 --reason "errors as before"', does: "signs a step off by its name" },
    { line: "tidegate approve --item before-release/backup-checked", does: "ticks an item of the checklist" },
  ],
  run: (invocation) => {
    const item = textOption(invocation, "item");
    const [step] = invocation.arguments;
    return runVerb(invocation, {
      release: textOption(invocation, "release"),
      isMeant: (release) => !isEnded(release) && waits(release),
      command: (release) => commandOf(release, step, item),
      intent: (release) => intent(release, step, item),
    });
  },
};

function waits(release: Release): boolean {
  const kind = currentStep(release)?.step.kind;
  return kind === "approve" || kind === "check";
}

function commandOf(release: Release, step: string | undefined, item: string | undefined): Command {
  const named = step === undefined ? {} : { step };
  if (item !== undefined) return { kind: "tick", item, ...named };
  return { kind: "approve", planHash: release.planHash, ...named };
}

function intent(release: Release, step: string | undefined, item: string | undefined): string {
  if (item !== undefined) return `Ticks "${item}" of ${calledRelease(release)}.`;
  const named = release.plan.steps.find(({ id, name }, at) => [id, name, String(at + 1)].includes(step ?? ""));
  const name = named?.name ?? currentStep(release)?.step.name ?? "the step";
  return `Approves "${name}" of ${calledRelease(release)}, for this plan and this version alone.`;
}
