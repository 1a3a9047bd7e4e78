import type { CommandDefinition } from "../definition.ts";
import { calledRelease, isUnderWay, runVerb } from "../verb.ts";
import { ACTS_ITSELF, VERB_OPTIONS } from "../verb-options.ts";

export const resume: CommandDefinition = {
  about: `Goes on with a release that was paused. ${ACTS_ITSELF}`,
  arguments: [{ name: "id", required: false, about: "the release; by default the one that is paused" }],
  options: VERB_OPTIONS,
  examples: [{ line: "tidegate resume", does: "goes on where it was paused" }],
  run: (invocation) =>
    runVerb(invocation, {
      release: invocation.arguments[0],
      isMeant: (release) => isUnderWay(release) && release.paused !== null,
      command: () => ({ kind: "resume" }),
      intent: (release) => `Goes on with ${calledRelease(release)} at ${release.share / 100}%.`,
    }),
};
