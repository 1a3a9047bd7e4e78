import type { Context } from "./context.ts";
import type { ExitCode } from "./exit-code.ts";

/** A command: what its help and the docs say of it, and what it does. */
export interface CommandDefinition {
  /** What it does, in a sentence or a few. */
  readonly about: string;
  readonly arguments: readonly ArgumentDefinition[];
  readonly options: readonly OptionDefinition[];
  readonly examples: readonly { readonly line: string; readonly does: string }[];
  /** Its own subcommands' names, where the first argument is one of a few words. */
  run(invocation: Invocation): Promise<ExitCode>;
}

export interface ArgumentDefinition {
  readonly name: string;
  readonly required: boolean;
  readonly about: string;
  /** The last one only: any number of words. */
  readonly isList?: true;
  /** The only words that it may be. */
  readonly choices?: readonly string[];
}

export interface OptionDefinition {
  /** As commander reads them: `--reason <text>`, `--yes`. */
  readonly flags: string;
  readonly about: string;
}

export interface Invocation {
  /** In the order of the definition; undefined where nothing was given. */
  readonly arguments: readonly (string | undefined)[];
  /** By camel-case name. */
  readonly options: Readonly<Record<string, string | boolean | undefined>>;
  readonly context: Context;
}

/** The option's text; undefined where it was not given. */
export function textOption(invocation: Invocation, name: string): string | undefined {
  const value = invocation.options[name];
  return typeof value === "string" ? value : undefined;
}

export function isGiven(invocation: Invocation, name: string): boolean {
  return invocation.options[name] === true;
}
