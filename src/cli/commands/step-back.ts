import type { CommandDefinition } from "../definition.ts";
import { lowerShift } from "../../core/decide/react.ts";
import { currentStep } from "../../core/release/release.ts";
import { calledRelease, isUnderWay, runVerb } from "../verb.ts";
import { ACTS_ITSELF, VERB_OPTIONS } from "../verb-options.ts";

export const stepBack: CommandDefinition = {
  about: `Gives the candidate the share that it had before, and watches that step anew. Up again is a person's decision: tidegate retry. ${ACTS_ITSELF}`,
  arguments: [{ name: "id", required: false, about: "the release; by default the one that runs" }],
  options: VERB_OPTIONS,
  examples: [{ line: 'tidegate step-back --reason "carts look odd"', does: "from 25% back to 5%, for example" }],
  run: (invocation) =>
    runVerb(invocation, {
      release: invocation.arguments[0],
      isMeant: isUnderWay,
      command: (release) => {
        const step = currentStep(release)?.step.id;
        return step === undefined ? { kind: "step-back" } : { kind: "step-back", step };
      },
      intent: (release) =>
        `Takes ${calledRelease(release)} back from ${release.share / 100}% to ${(lowerShift(release)?.share ?? 0) / 100}%.`,
    }),
};
