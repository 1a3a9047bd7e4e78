import { answer, type Context } from "../context.ts";
import { type CommandDefinition, isGiven } from "../definition.ts";
import { DONE, type ExitCode } from "../exit-code.ts";
import type { KeeperRestarted } from "../machinery.ts";
import { exactState } from "../project.ts";

export const keeper: CommandDefinition = {
  about:
    "Runs the keeper of a state folder: it owns the listening sockets, starts the data plane and the instances, and starts them again when they crash. `tidegate release` starts it by itself when none runs. When it ends, what it started lives on, and the next keeper takes it over. One of an older Tidegate that still runs hands over to a newer one. `tidegate keeper restart` puts a new process of this version in the place of the running one, in the background; instances, data plane and requests don't notice.",
  arguments: [
    {
      name: "action",
      required: false,
      about: "put a new process in the place of the one that runs; without it, run the keeper here",
      choices: ["restart"],
    },
  ],
  options: [
    { flags: "--take-over", about: "replace a keeper that runs, also one of the same version (for service managers)" },
  ],
  examples: [
    {
      line: "tidegate keeper restart",
      does: "after an update: the keeper is of the new version, nothing else changes",
    },
    { line: "tidegate keeper --state .tidegate", does: "looks after the processes of this state folder" },
  ],
  run: async (invocation) => {
    const { context } = invocation;
    if (invocation.arguments[0] === "restart") return restart(context);
    await context.machinery.runKeeper(exactState(context), isGiven(invocation, "takeOver"));
    return DONE;
  },
};

async function restart(context: Context): Promise<ExitCode> {
  const restarted = await context.machinery.restartKeeper(context.project().state);
  return answer(context, { ...restarted }, sentences(restarted));
}

function sentences({ old, now, instances, holdsSockets }: KeeperRestarted): readonly string[] {
  const before = old === null ? "none ran" : `it was process ${old.pid}, version ${old.version}`;
  const kept = `${instances} ${instances === 1 ? "instance" : "instances"}`;
  return [
    `The keeper is process ${now.pid} now, version ${now.version}; ${before}.`,
    holdsSockets === null
      ? `It looks after ${kept}.`
      : `It looks after ${kept} and the data plane, none of which was stopped.`,
    ...(holdsSockets === false
      ? [
          "It could not get hold of the listening sockets: should the data plane die, connections are refused for a moment.",
        ]
      : []),
    ...(old !== null && holdsSockets !== null && old.version !== now.version
      ? ["The data plane is still of the old version: tidegate proxy restart"]
      : []),
  ];
}
