import type { CommandDefinition } from "../definition.ts";
import { calledRelease, isUnderWay, runVerb } from "../verb.ts";
import { ACTS_ITSELF, VERB_OPTIONS } from "../verb-options.ts";

export const pause: CommandDefinition = {
  about: `Keeps the release where it is until somebody resumes it. Its guards go on watching, and can still roll it back. ${ACTS_ITSELF}`,
  arguments: [{ name: "id", required: false, about: "the release; by default the one that runs" }],
  options: VERB_OPTIONS,
  examples: [
    {
      line: 'tidegate pause --reason "looking at the logs"',
      does: "the share stays as it is; the reason is shown to all",
    },
  ],
  run: (invocation) =>
    runVerb(invocation, {
      release: invocation.arguments[0],
      isMeant: isUnderWay,
      command: () => ({ kind: "pause" }),
      intent: (release) => `Pauses ${calledRelease(release)} at ${release.share / 100}% until it is resumed.`,
    }),
};
