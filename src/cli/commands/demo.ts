import { type CommandDefinition, isGiven, textOption } from "../definition.ts";

export const demo: CommandDefinition = {
  about:
    "Releases a small real shop on this machine, under load, with every request counted: a good version that goes live, then a bad one that is put back by itself. Needs no network and no Docker, takes about a minute, and leaves nothing behind. In a terminal, keys break it on purpose: errors, slowness, a crash, kill -9 of the controller. Ends with 0 when all is as it should be, with 12 when it is not.",
  arguments: [],
  options: [
    { flags: "--folder <dir>", about: "where it plays; by default a new temporary folder" },
    { flags: "--keep", about: "leave the shop's repository, journal and logs there to look at" },
  ],
  examples: [
    { line: "tidegate demo", does: "shows it, with keys to break it" },
    { line: "tidegate demo --json | tail -1", does: "the result alone, for a script" },
    { line: "tidegate demo --folder shop-demo --keep", does: "leaves a repository to try Tidegate in" },
  ],
  run: (invocation) => {
    const { json, machinery, terminal } = invocation.context;
    const folder = textOption(invocation, "folder");
    return machinery.runDemo({
      json,
      interactive: terminal.isLive && terminal.canAsk,
      keep: isGiven(invocation, "keep"),
      ...(folder === undefined ? {} : { folder }),
      terminal,
      machinery,
    });
  },
};
