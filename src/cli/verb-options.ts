import type { OptionDefinition } from "./definition.ts";

/** What every verb that acts on a release does where nobody is there to be asked. */
export const ACTS_ITSELF =
  "Where no engine acts on the app (no tidegate serve, release or attach), this command says so, acts itself, and stays in the foreground until the release comes to rest.";

/** Of every verb that acts on a release. */
export const VERB_OPTIONS: readonly OptionDefinition[] = [
  { flags: "--reason <text>", about: "why; kept in the journal and shown to everybody" },
  { flags: "--yes", about: "don't ask before it is done" },
];
