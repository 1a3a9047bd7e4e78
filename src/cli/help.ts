import type { ArgumentDefinition, CommandDefinition, OptionDefinition } from "./definition.ts";
import { EXIT_CODES } from "./exit-code.ts";
import { COMMANDS, type CommandEntry } from "./registry.ts";
import { paint, type Style } from "./render/style.ts";
import { padEnd, wrap } from "./render/text.ts";

export const TAGLINE =
  "Releases your service a little at a time, compares it with the version that still serves, and puts it back by itself when it is worse.";

/** `tidegate --help`: every command in a line. */
export function programHelp(globals: readonly OptionDefinition[], version: string, style: Style): readonly string[] {
  const groups = [...new Set(COMMANDS.map(({ group }) => group))];
  return [
    paint(style, "strong", `tidegate ${version}`),
    ...wrap(TAGLINE, style.width),
    "",
    "tidegate <command> [options]",
    ...groups.flatMap((group) => [
      "",
      paint(style, "strong", group),
      ...table(
        COMMANDS.filter((command) => command.group === group).map(({ name, summary }) => [name, summary] as const),
        style,
      ),
    ]),
    "",
    paint(style, "strong", "Options of every command"),
    ...table(
      [
        ...globals.map(({ flags, about }) => [flags, about] as const),
        ["--version", "print the version of Tidegate"],
        ["--help", "explain tidegate, or a command"],
      ],
      style,
    ),
    "",
    paint(style, "strong", "Exit codes"),
    ...wrap(EXIT_CODES.map(({ code, means }) => `${code} ${means}`).join(" · "), style.width - 2).map(
      (line) => `  ${line}`,
    ),
    "",
    "Begin with: tidegate init, or see it work first: tidegate demo",
  ];
}

/** `tidegate release --help`. */
export function commandHelp(
  { name }: Pick<CommandEntry, "name">,
  definition: CommandDefinition,
  globals: readonly OptionDefinition[],
  style: Style,
): readonly string[] {
  const rows = (options: readonly OptionDefinition[]): readonly (readonly [string, string])[] =>
    options.map(({ flags, about }) => [flags, about] as const);
  return [
    paint(style, "strong", usageLine(name, definition)),
    "",
    ...wrap(definition.about, style.width),
    ...(definition.arguments.length === 0
      ? []
      : [
          "",
          ...table(
            definition.arguments.map((one) => [argumentWord(one), one.about] as const),
            style,
          ),
        ]),
    ...(definition.options.length === 0
      ? []
      : ["", paint(style, "strong", "Options"), ...table(rows(definition.options), style)]),
    "",
    paint(style, "strong", "Options of every command"),
    ...table(rows(globals), style),
    "",
    paint(style, "strong", definition.examples.length === 1 ? "Example" : "Examples"),
    ...definition.examples.flatMap(({ line, does }) => [`  ${line}`, paint(style, "dim", `      ${does}`)]),
  ];
}

export function usageLine(name: string, definition: CommandDefinition): string {
  const words = definition.arguments.map(argumentWord);
  return ["tidegate", name, ...words, ...(definition.options.length === 0 ? [] : ["[options]"])].join(" ");
}

export function argumentWord({ name, required, isList }: ArgumentDefinition): string {
  const word = isList === true ? `${name}…` : name;
  return required ? `<${word}>` : `[${word}]`;
}

function table(rows: readonly (readonly [string, string])[], style: Style): readonly string[] {
  const width = Math.max(18, ...rows.map(([word]) => word.length));
  return rows.flatMap(([word, about]) => {
    const [first = "", ...rest] = wrap(about, Math.max(24, style.width - width - 4));
    return [`  ${padEnd(word, width)}  ${first}`, ...rest.map((line) => " ".repeat(width + 4) + line)];
  });
}

/** `tidegate --json`: the same as a document, for tools that want to know what there is. */
export function programDocument(
  globals: readonly OptionDefinition[],
  version: string,
): Readonly<Record<string, unknown>> {
  return {
    version,
    about: TAGLINE,
    commands: COMMANDS.map(({ name, group, summary }) => ({ name, group, summary })),
    options: globals,
    exitCodes: EXIT_CODES,
  };
}

/** `tidegate release --help --json`. */
export function commandDocument(
  { name, group, summary }: Pick<CommandEntry, "name" | "group" | "summary">,
  definition: CommandDefinition,
  globals: readonly OptionDefinition[],
): Readonly<Record<string, unknown>> {
  const { about, arguments: taken, options, examples } = definition;
  const usage = usageLine(name, definition);
  return { name, group, summary, usage, about, arguments: taken, options: [...options, ...globals], examples };
}
