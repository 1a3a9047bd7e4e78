import { FaultError } from "../../core/fault.ts";
import { type Duration, formatDuration } from "../../core/time/time.ts";
import { parseDuration } from "../../core/text/units.ts";
import { answer, type Context } from "../context.ts";
import { type CommandDefinition, type Invocation, textOption } from "../definition.ts";
import { DONE, type ExitCode } from "../exit-code.ts";
import type { ProxyRestarted } from "../machinery.ts";
import { exactState } from "../project.ts";

export const proxy: CommandDefinition = {
  about:
    "Runs the data plane of a state folder: takes the requests and splits them between the versions, by the table that the engine writes. The keeper starts it and gives it its sockets; by hand it opens those of --listen itself. `tidegate proxy restart` lets a new process take over from the one that runs, without a failed request: after an update of Tidegate, or when you want a fresh one. Requests under way finish in the old process; WebSockets and event streams stay there for a minute, then they are asked to come back.",
  arguments: [
    {
      name: "action",
      required: false,
      about: "let a new process take over; without it, run the data plane here",
      choices: ["restart"],
    },
  ],
  options: [
    { flags: "--listen <address>", about: "open this address itself, for example 127.0.0.1:8080; several with commas" },
    {
      flags: "--long-lived <time>",
      about: "restart: how long WebSockets and event streams may stay in the old process (default 1m)",
    },
    {
      flags: "--requests <time>",
      about: "restart: how long any other request may take there before it is cut (default 10m)",
    },
  ],
  examples: [
    { line: "tidegate proxy restart", does: "a new process takes over; nobody's request fails" },
    { line: "tidegate proxy restart --long-lived 10m", does: "gives WebSockets ten minutes to end by themselves" },
    {
      line: "tidegate proxy --state .tidegate --listen 127.0.0.1:8080",
      does: "by hand, with the last table that was written",
    },
  ],
  run: async (invocation) => {
    const { context } = invocation;
    const [action] = invocation.arguments;
    if (action === "restart") return restart(context, invocation);
    const listen = textOption(invocation, "listen");
    await context.machinery.runProxy(
      exactState(context),
      listen === undefined ? [] : listen.split(",").map((address) => address.trim()),
    );
    return DONE;
  },
};

async function restart(context: Context, invocation: Invocation): Promise<ExitCode> {
  const longLivedMs = durationOption(invocation, "longLived", "--long-lived");
  const requestsMs = durationOption(invocation, "requests", "--requests");
  const restarted = await context.machinery.restartProxy(context.project().state, {
    ...(longLivedMs === undefined ? {} : { longLivedMs }),
    ...(requestsMs === undefined ? {} : { requestsMs }),
  });
  const { oldPid, pid, version, leaving, wasSeamless } = restarted;
  const document = {
    pid,
    oldPid,
    version,
    wasSeamless,
    leaving:
      leaving === null ? null : { requests: leaving.requests, webSockets: leaving.webSockets, untilMs: leaving.until },
  };
  return answer(context, document, sentences(restarted));
}

function sentences({ oldPid, pid, version, leaving, wasSeamless }: ProxyRestarted): readonly string[] {
  const now = `The data plane is process ${pid} now, version ${version}.`;
  if (oldPid === null) return [`${now} None ran before.`];
  if (!wasSeamless)
    return [
      now,
      `Process ${oldPid} had to end first: the keeper could not get hold of its sockets, and for a moment nobody listened.`,
    ];
  if (leaving === null || leaving.requests + leaving.webSockets === 0)
    return [now, `Process ${oldPid} has nothing left.`];
  const has = [
    counted(leaving.requests, "request", "requests"),
    ...(leaving.webSockets === 0 ? [] : [counted(leaving.webSockets, "WebSocket", "WebSockets")]),
  ];
  const forMs = Math.max(0, Math.round((leaving.until - Date.now()) / 1_000) * 1_000);
  return [now, `Process ${oldPid} finishes what it has, for ${formatDuration(forMs)} at most: ${has.join(", ")}.`];
}

function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** Faults: usage. */
function durationOption(invocation: Invocation, name: string, flag: string): Duration | undefined {
  const text = textOption(invocation, name);
  if (text === undefined) return undefined;
  const read = parseDuration(text);
  if (read.ok) return read.value;
  throw new FaultError({ code: "usage", what: read.what, where: flag, fix: read.fix });
}
