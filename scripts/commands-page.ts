import type { CommandDefinition } from "../src/cli/definition.ts";
import { EXIT_CODES } from "../src/cli/exit-code.ts";
import { argumentWord, usageLine } from "../src/cli/help.ts";
import { COMMANDS, type CommandEntry } from "../src/cli/registry.ts";
import { GLOBAL_OPTIONS } from "../src/cli/words.ts";

/** docs/commands.md, made from the definitions that the command line itself works with. */
export async function commandsPage(): Promise<string> {
  const groups = [...new Set(COMMANDS.map(({ group }) => group))];
  const sections = await Promise.all(COMMANDS.map(async (entry) => section(entry, await entry.load())));
  return [
    "# Commands",
    "",
    "<!-- Made by scripts/generate-docs.ts from the command definitions. -->",
    "",
    "`tidegate <command> --help` says the same in the terminal.",
    "",
    "| command | does |",
    "|---|---|",
    ...groups.flatMap((group) =>
      COMMANDS.filter((command) => command.group === group).map(
        ({ name, summary }) => `| [\`${name}\`](#${anchor(name)}) | ${summary} |`,
      ),
    ),
    "",
    "## Options of every command",
    "",
    ...optionTable(GLOBAL_OPTIONS),
    "",
    "The environment variables `TIDEGATE_STATE`, `TIDEGATE_USER` (who asks; by default the user of the operating system), `DEPLOYMENT_ENV`, `NO_COLOR` and `CI` are read too. An option goes before a variable, a variable before the plan file. What variables change in the plan stands in [plan-file.md](plan-file.md). The state of an environment other than `production` lies in a folder of its own inside the state folder. A state folder is one app's: a release or a rollback of another one is refused there.",
    "",
    "## Exit codes",
    "",
    "| code | means |",
    "|---|---|",
    ...EXIT_CODES.map(({ code, means }) => `| ${code} | ${means} |`),
    "",
    ...OUTPUT,
    "",
    ...sections.flat(),
  ]
    .join("\n")
    .trimEnd()
    .concat("\n");
}

const OUTPUT = [
  "## For scripts",
  "",
  '`--json` prints one document on stdout. A command that lasts (`release`, `attach`, `status --follow`, `rollback`) prints an event a line instead, each with `type`, `release`, `seq` and `atMs`; its last line is `{ "type": "status", "status": … }`. Times are in `…Ms`, shares in percent. `serve` prints the events of every release. `tidegate --json` and `tidegate release --help --json` say what commands, options and exit codes there are. What went wrong is `{ "fault": { "code", "what", "where", "fix" } }`.',
  "",
  "| event | when |",
  "|---|---|",
  "| `release-planned`, `release-started` | the plan is frozen, with its hash and steps; it begins |",
  "| `step-started`, `step-passed`, `step-failed`, `step-skipped` | a step's life |",
  "| `effect-started`, `effect-confirmed`, `effect-failed` | something is done outside: `prepare`, `start`, `share`, `smoke`, … |",
  "| `contract-started` | a migration of the contract phase has its locks and takes away: from here on there is no way back |",
  "| `verdict` | a guard's verdict has changed |",
  "| `held`, `hold-ended`, `paused`, `resumed`, `promoted`, `approved`, `item-ticked`, `acknowledged`, `stepped-back`, `retried` | why it waits, and who acted |",
  "| `share-drifted`, `engine-took-over` | the data plane had another share than asked; a new engine goes on |",
  "| `live`, `closed` | it has all of the traffic; every step is done |",
  "| `rollback-decided`, `rolled-back` | why it goes back; what was undone when, and the evidence |",
  "| `failed` | it needs a person |",
];

function section(entry: CommandEntry, definition: CommandDefinition): readonly string[] {
  return [
    `## ${entry.name}`,
    "",
    `\`${usageLine(entry.name, definition)}\``,
    "",
    definition.about,
    "",
    ...(definition.arguments.length === 0
      ? []
      : [
          "| argument | |",
          "|---|---|",
          ...definition.arguments.map((one) => `| \`${argumentWord(one)}\` | ${cell(one.about)} |`),
          "",
        ]),
    ...(definition.options.length === 0 ? [] : [...optionTable(definition.options), ""]),
    "```sh",
    ...definition.examples.flatMap(({ line, does }) => [`${line}   # ${does}`]),
    "```",
    "",
  ];
}

function optionTable(options: CommandDefinition["options"]): readonly string[] {
  return ["| option | |", "|---|---|", ...options.map(({ flags, about }) => `| \`${flags}\` | ${cell(about)} |`)];
}

function cell(text: string): string {
  return text.replaceAll("|", String.raw`\|`);
}

function anchor(name: string): string {
  return name.toLowerCase();
}
