import type { OptionDefinition } from "./definition.ts";

/** Understood by every command, before or after its name. */
export const GLOBAL_OPTIONS: readonly OptionDefinition[] = [
  { flags: "--file <path>", about: "the plan file; by default tidegate.yaml or tidegate.config.ts here or above" },
  { flags: "--env <name>", about: "the environment; by default DEPLOYMENT_ENV, else production" },
  {
    flags: "--state <folder>",
    about: "where the state lies; by default TIDEGATE_STATE, else .tidegate beside the plan file",
  },
  { flags: "--json", about: "one document on stdout; for what lasts, an event a line" },
  { flags: "--no-color", about: "no colours (so does NO_COLOR)" },
];

const GLOBALS_WITH_VALUE = new Set(["--file", "--env", "--state"]);

/** The command's name among the words, whatever global options stand before it. */
export function commandWord(words: readonly string[]): number {
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? "";
    if (!word.startsWith("-")) return at;
    if (GLOBALS_WITH_VALUE.has(word)) at += 1;
  }
  return -1;
}
