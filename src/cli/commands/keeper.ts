import type { CommandDefinition } from "../definition.ts";
import { DONE } from "../exit-code.ts";
import { exactState } from "../project.ts";

export const keeper: CommandDefinition = {
  about:
    "Runs the keeper of a state folder: it owns the listening sockets, starts the data plane and the instances, and starts them again when they crash. `tidegate release` starts it by itself when none runs. When it ends, what it started lives on, and the next keeper takes it over.",
  arguments: [],
  options: [],
  examples: [{ line: "tidegate keeper --state .tidegate", does: "looks after the processes of this state folder" }],
  run: async ({ context }) => {
    await context.machinery.runKeeper(exactState(context));
    return DONE;
  },
};
