import type { Command } from "../../core/command/command.ts";
import { currentStep, type Release } from "../../core/release/release.ts";
import { type CommandDefinition, textOption } from "../definition.ts";
import { calledRelease, isUnderWay, runVerb } from "../verb.ts";
import { ACTS_ITSELF, VERB_OPTIONS } from "../verb-options.ts";

export const promote: CommandDefinition = {
  about: `Ends the step that is due as soon as what it does is done, without waiting for the rest of its time or for evidence. With --skip it leaves a step out instead. ${ACTS_ITSELF}`,
  arguments: [{ name: "id", required: false, about: "the release; by default the one that runs" }],
  options: [
    { flags: "--skip <step>", about: "leave this step out, by name or number; needs a reason" },
    ...VERB_OPTIONS,
  ],
  examples: [
    { line: "tidegate promote", does: "on to the next step" },
    {
      line: 'tidegate promote --skip warm --reason "nothing to warm"',
      does: "leaves out a step that is still to come",
    },
  ],
  run: (invocation) => {
    const skip = textOption(invocation, "skip");
    const asked: Command = skip === undefined ? { kind: "promote" } : { kind: "promote", skip };
    return runVerb(invocation, {
      release: invocation.arguments[0],
      isMeant: isUnderWay,
      command: (release) => bound(asked, release),
      intent: (release) => intent(release, skip),
    });
  },
};

/** To the step that the user saw: one that has passed meanwhile must not promote the next one unseen. */
function bound(asked: Extract<Command, { kind: "promote" }>, release: Release): Command {
  const step = currentStep(release)?.step.id;
  return asked.skip !== undefined || step === undefined ? asked : { ...asked, step };
}

function intent(release: Release, skip: string | undefined): string {
  if (skip !== undefined) return `Leaves "${skip}" of ${calledRelease(release)} out.`;
  return `Ends "${currentStep(release)?.step.name ?? "the step"}" of ${calledRelease(release)} without waiting for the rest of it.`;
}
