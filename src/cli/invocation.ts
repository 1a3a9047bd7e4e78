import { Command, CommanderError, type OptionValues } from "commander";
import { nearest } from "../core/text/nearest.ts";
import { FaultError } from "../core/fault.ts";
import type { GlobalOptions } from "./context.ts";
import type { CommandDefinition } from "./definition.ts";
import { COMMANDS, type CommandEntry } from "./registry.ts";
import { GLOBAL_OPTIONS } from "./words.ts";

export interface Parsed {
  readonly arguments: readonly (string | undefined)[];
  readonly options: OptionValues;
  readonly global: GlobalOptions;
  readonly wantsHelp: boolean;
}

/** Reads a command's words. Faults: usage. */
export function parse(name: string, definition: CommandDefinition, words: readonly string[]): Parsed {
  let read: Omit<Parsed, "global" | "wantsHelp"> = { arguments: [], options: {} };
  const command = new Command(name).exitOverride().helpOption(false).allowExcessArguments(false);
  command.configureOutput({ writeErr: () => undefined, outputError: () => undefined });
  for (const { name: argument, required, about, choices, isList } of definition.arguments) {
    const word = isList === true ? `${argument}...` : argument;
    const made = command.createArgument(required ? `<${word}>` : `[${word}]`, about);
    command.addArgument(choices === undefined ? made : made.choices(choices));
  }
  for (const { flags, about } of [...definition.options, ...GLOBAL_OPTIONS]) command.option(flags, about);
  command.option("-h, --help", "show this help");
  command.action(() => {
    read = { arguments: command.processedArgs.flat() as (string | undefined)[], options: command.opts() };
  });
  const wantsHelp = words.includes("--help") || words.includes("-h");
  try {
    // A required argument must not stand between the user and the help.
    if (!wantsHelp) command.parse([...words], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) throw usageFault(name, definition, error);
    throw error;
  }
  refuseSwallowedOption(name, definition, read.options);
  return { ...read, global: globalOf(read.options), wantsHelp };
}

function globalOf(options: OptionValues): GlobalOptions {
  const text = (key: string): Partial<Record<string, string>> =>
    typeof options[key] === "string" ? { [key]: options[key] } : {};
  return {
    ...text("file"),
    ...text("env"),
    ...text("state"),
    json: options["json"] === true,
    color: options["color"] !== false,
  };
}

/** `--file --json`: the second word is an option of its own, and no file is called so. Faults: usage. */
function refuseSwallowedOption(name: string, definition: CommandDefinition, options: OptionValues): void {
  const known = flagsOf(definition);
  const swallowed = known.find((flag) => Object.values(options).includes(flag));
  if (swallowed === undefined) return;
  const by = known.find((flag) => options[camelCase(flag)] === swallowed) ?? "An option";
  throw new FaultError({
    code: "usage",
    what: `${by} needs a value, and "${swallowed}" is an option of its own.`,
    fix: `tidegate ${name} --help`,
  });
}

function flagsOf(definition: CommandDefinition): readonly string[] {
  return [...definition.options, ...GLOBAL_OPTIONS].map(({ flags }) => /--[\w-]+/.exec(flags)?.[0] ?? "");
}

/** As commander names an option's value: `--dry-run` is `dryRun`. */
function camelCase(flag: string): string {
  return flag.slice(2).replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}

function usageFault(name: string, definition: CommandDefinition, error: CommanderError): FaultError {
  const sentence = error.message
    .replace(/^error: option '(?:-\w, )?(--[\w-]+) <.+>' argument missing$/, "$1 needs a value")
    .replace(/^error: /, "")
    .replaceAll("'", '"');
  const unknown = /^error: unknown option '(--[^'=]+)/.exec(error.message)?.[1];
  const near = unknown === undefined ? undefined : nearest(unknown, flagsOf(definition));
  const first = `${sentence.charAt(0).toUpperCase()}${sentence.slice(1).split("\n")[0] ?? ""}`;
  return new FaultError({
    code: "usage",
    what: /[.?!]$/.test(first) ? first : `${first}.`,
    fix: `${near === undefined ? "" : `did you mean ${near}? `}tidegate ${name} --help`,
  });
}

/** The command that a word names. Faults: usage, with the nearest that there is. */
export function findCommand(word: string): CommandEntry {
  const found = COMMANDS.find(({ name }) => name === word);
  if (found !== undefined) return found;
  const near = nearest(
    word,
    COMMANDS.map(({ name }) => name),
  );
  throw new FaultError({
    code: "usage",
    what: `There is no command "${word}".`,
    fix: near === undefined ? "tidegate --help lists them" : `did you mean: tidegate ${near}`,
  });
}
