import type { OptionDefinition } from "./definition.ts";

/** Of every verb that acts on a release. */
export const VERB_OPTIONS: readonly OptionDefinition[] = [
  { flags: "--reason <text>", about: "why; kept in the journal and shown to everybody" },
  { flags: "--yes", about: "don't ask before it is done" },
];
