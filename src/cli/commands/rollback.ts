import { rollbackSentence } from "../../core/command.ts";
import { type CommandDefinition } from "../definition.ts";
import { calledRelease, runVerb, VERB_OPTIONS } from "../verb.ts";

export const rollback: CommandDefinition = {
  about:
    "Puts everything back on the version before, and undoes what the release did, in the right order. It says beforehand what that is and how long it takes. Works on a release that is live or closed too.",
  arguments: [{ name: "id", required: false, about: "the release; by default the newest" }],
  options: VERB_OPTIONS,
  examples: [
    { line: "tidegate rollback", does: "says what it would undo, asks once, does it" },
    { line: 'tidegate rollback 42 --yes --reason "checkout is broken"', does: "without a question, for scripts" },
  ],
  run: (invocation) =>
    runVerb(invocation, {
      release: invocation.arguments[0],
      // Never an older one: where the newest was put back by itself, that would take down what serves now.
      isMeant: () => true,
      command: () => ({ kind: "rollback" }),
      intent: (release) => `Rolls back ${calledRelease(release)}. ${rollbackSentence(release)}`,
    }),
};
