import { answer } from "../context.ts";
import type { CommandDefinition } from "../definition.ts";
import { completionScript, type Shell } from "../render/completion-script.ts";
import { COMMANDS } from "../registry.ts";
import { GLOBAL_OPTIONS } from "../words.ts";

export const completion: CommandDefinition = {
  about: "Prints a script that lets a shell complete commands and options.",
  arguments: [{ name: "shell", required: true, about: "bash, zsh or fish", choices: ["bash", "zsh", "fish"] }],
  options: [],
  examples: [
    { line: "source <(tidegate completion bash)", does: "in ~/.bashrc" },
    { line: "tidegate completion fish > ~/.config/fish/completions/tidegate.fish", does: "for fish" },
  ],
  run: async ({ arguments: [shell], context }) => {
    const loaded = await Promise.all(
      COMMANDS.map(async ({ name, summary, load }) => {
        const { options, arguments: args } = await load();
        return {
          name,
          summary,
          options: [...options, ...GLOBAL_OPTIONS].map(({ flags, about }) => ({
            flag: flags.split(" ")[0] ?? "",
            about,
          })),
          words: args[0]?.choices ?? [],
        };
      }),
    );
    const script = completionScript(shell as Shell, loaded);
    return answer(context, { shell, script: script.join("\n") }, script);
  },
};
