import { currentStep } from "../../core/release/release.ts";
import type { CommandDefinition } from "../definition.ts";
import { calledRelease, runVerb } from "../verb.ts";
import { ACTS_ITSELF, VERB_OPTIONS } from "../verb-options.ts";

export const retry: CommandDefinition = {
  about: `Tries the step that failed or is held again, once what was wrong is mended; of a rollback that stopped, goes on with it. A release that was rolled back has ended: \`tidegate release\` begins anew with its version. ${ACTS_ITSELF}`,
  arguments: [{ name: "id", required: false, about: "the release; by default the one that failed or is held" }],
  options: VERB_OPTIONS,
  examples: [{ line: "tidegate retry", does: "a new attempt, with a fresh look at the figures" }],
  run: (invocation) =>
    runVerb(invocation, {
      release: invocation.arguments[0],
      isMeant: ({ state, hold }) => state === "failed" || hold !== null,
      command: () => ({ kind: "retry" }),
      intent: (release) =>
        release.undo === null
          ? `Tries "${currentStep(release)?.step.name ?? "the step"}" of ${calledRelease(release)} again.`
          : `Goes on with the rollback of ${calledRelease(release)}.`,
    }),
};
