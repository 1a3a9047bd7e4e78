import { type CommandDefinition, textOption } from "../definition.ts";
import { DONE } from "../exit-code.ts";
import { exactState } from "../project.ts";

export const proxy: CommandDefinition = {
  about:
    "Runs the data plane of a state folder: takes the requests and splits them between the versions, by the table that the engine writes. The keeper starts it and gives it its sockets; by hand it opens those of --listen itself.",
  arguments: [],
  options: [
    { flags: "--listen <address>", about: "open this address itself, for example 127.0.0.1:8080; several with commas" },
  ],
  examples: [
    {
      line: "tidegate proxy --state .tidegate --listen 127.0.0.1:8080",
      does: "by hand, with the last table that was written",
    },
  ],
  run: async (invocation) => {
    const listen = textOption(invocation, "listen");
    await invocation.context.machinery.runProxy(
      exactState(invocation.context),
      listen === undefined ? [] : listen.split(",").map((address) => address.trim()),
    );
    return DONE;
  },
};
