import { newsOf } from "../../core/decide/news.ts";
import type { Release } from "../../core/release/release.ts";
import type { CommandDefinition } from "../definition.ts";
import { calledRelease, runVerb } from "../verb.ts";
import { ACTS_ITSELF } from "../verb-options.ts";

export const ack: CommandDefinition = {
  about: `Says that you look after what people were called for: the receivers of \`page:\` are told, and nobody else is called for it. It changes nothing else. ${ACTS_ITSELF}`,
  arguments: [
    { name: "id", required: false, about: "the release; by default the newest that somebody was called for" },
  ],
  options: [{ flags: "--reason <text>", about: "what you do about it; kept in the journal and shown to everybody" }],
  examples: [
    { line: "tidegate ack", does: "you look after it" },
    { line: 'tidegate ack 42 --reason "looking at the database" --json', does: "the same from a script" },
  ],
  run: (invocation) =>
    runVerb(invocation, {
      release: invocation.arguments[0],
      isMeant: isCalledFor,
      command: () => ({ kind: "acknowledge" }),
      intent: (release) => `Says that you look after ${calledRelease(release)}.`,
      asksNothing: true,
    }),
};

function isCalledFor(release: Release): boolean {
  return newsOf(release, Date.now()).some(
    ({ severity, name }) => severity !== undefined && release.acknowledged[name] === undefined,
  );
}
