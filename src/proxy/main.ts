import { parseArgs } from "node:util";
import { describeFault, FaultError, faultOf } from "../core/fault.ts";
import type { Listener } from "../core/traffic/routing.ts";
import { isAnswered } from "../local/control-socket.ts";
import { createStateFolder, stateFolder } from "../local/state-folder.ts";
import { openControl, type Served } from "./control.ts";
import { EarlierRows } from "./earlier-rows.ts";
import { DEFAULT_WAITS } from "./exchange-context.ts";
import { ownSocketName } from "./hand-over.ts";
import { DEFAULT_TIMEOUTS, Plane } from "./plane.ts";
import { Predecessor } from "./predecessor.ts";
import {
  LEAVE_WITHIN,
  type ListenerMessage,
  type ListenersDone,
  PROXY_SOCKET,
  type ProxyFailed,
  type ProxyReady,
  type ProxyTimeouts,
} from "./protocol.ts";
import { giveNameUp, takeName } from "./socket-in-charge.ts";
import { Succession } from "./succession.ts";

export interface ProxyOptions {
  readonly stateDir: string;
  /** Sockets to open by itself; with a keeper they come from it. */
  readonly listeners?: readonly Listener[];
  readonly timeouts?: ProxyTimeouts;
}

/** What is in flight may take this long after SIGTERM. */
const STOP_MS = 10_000;

/**
 * Runs the data plane in this process until SIGTERM. With an IPC channel (under the keeper) it takes its sockets from
 * there and outlives the channel; without one it opens `listeners`. Resolves when everything has been answered and closed.
 * Faults: socket-in-use, port-taken, listen-failed, tls-files-unusable.
 */
export async function runProxy({ stateDir, listeners = [], timeouts = DEFAULT_TIMEOUTS }: ProxyOptions): Promise<void> {
  const folder = stateFolder(stateDir);
  createStateFolder(folder);
  const stopped = stopSignal();
  const name = folder.socket(PROXY_SOCKET);
  const ownSocket = folder.socket(ownSocketName());
  if (!hasKeeper() && (await isAnswered(name))) throw runsAlready(name);
  const served = Promise.withResolvers<Served>();
  const control = await openControl(ownSocket, served.promise);
  try {
    const predecessor = hasKeeper() ? await Predecessor.meet(ownSocket, new EarlierRows()) : null;
    await using plane = new Plane(folder, DEFAULT_WAITS, predecessor);
    const succession = new Succession(plane, () => takeName(name, ownSocket));
    served.resolve({ plane, succession });
    takeName(name, ownSocket);
    for (const listener of listeners) await plane.listen(listener, timeouts);
    if (hasKeeper()) takeListeners(plane);
    await Promise.race([stopped.then(() => plane.stop(STOP_MS)), plane.hasLeft]);
    await succession.giveLastFigures();
  } finally {
    giveNameUp(name, ownSocket);
    control.close();
    control.closeAllConnections();
  }
}

/** Started by a keeper, with a channel to it. */
function hasKeeper(): boolean {
  return process.send !== undefined;
}

function runsAlready(where: string): FaultError {
  return new FaultError({
    code: "socket-in-use",
    what: "Another process is the data plane of this state folder.",
    where,
    fix: "to take over from it: tidegate proxy restart",
  });
}

/** Resolves at SIGTERM, or at Ctrl-C when nobody but a person runs this process. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    process.once("SIGTERM", resolve);
    // A Ctrl-C in the terminal in which a release is followed reaches every process there; this one must live on.
    const isKept = hasKeeper();
    process.on("SIGINT", () => isKept || resolve());
    process.on("SIGHUP", () => isKept || resolve());
  });
}

/** Follows the keeper's messages (protocol.ts), in their order. */
function takeListeners(plane: Plane): void {
  let turn: Promise<void> = Promise.resolve();
  let hasAll = false;
  const follow = async (before: Promise<void>, message: ListenerMessage | ListenersDone, handle: unknown) => {
    await before;
    try {
      if (message.type === "listener") await plane.listen(message.listener, message.timeouts, handle);
      else {
        await plane.relieve(message.leaveWithin ?? LEAVE_WITHIN);
        hasAll = true;
        await tellKeeper({ type: "ready" });
      }
    } catch (error) {
      await tellKeeper({ type: "failed", fault: faultOf(error, "listen-failed", "The proxy can't take a socket.") });
      process.exit(1);
    }
  };
  process.on("message", (message: ListenerMessage | ListenersDone, handle: unknown) => {
    turn = follow(turn, message, handle);
  });
  // The channel alone must not keep the process, nor its end stop it once it serves.
  process.channel?.unref();
  process.on("disconnect", () => {
    // Nobody will give it the rest: the next keeper starts another one.
    if (!hasAll) process.exit(1);
  });
}

/** Resolves when the message has left, or nobody is there to get it. */
function tellKeeper(message: ProxyReady | ProxyFailed): Promise<void> {
  return new Promise((resolve) => {
    if (!process.connected || process.send === undefined) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}

/** `--state DIR [--listen HOST:PORT]…`: how the keeper starts it. */
async function runFromArguments(): Promise<void> {
  const { values } = parseArgs({
    options: { state: { type: "string" }, listen: { type: "string", multiple: true } },
    allowPositionals: true,
  });
  const listeners = (values.listen ?? []).map((address) => {
    const colon = address.lastIndexOf(":");
    return {
      host: address.slice(0, colon).replace(/^\[|\]$/g, "") || "127.0.0.1",
      port: Number(address.slice(colon + 1)),
    };
  });
  try {
    await runProxy({ stateDir: values.state ?? ".tidegate", listeners });
    process.exit(0);
  } catch (error) {
    const fault = faultOf(error, "proxy-failed", "The proxy could not start.");
    await tellKeeper({ type: "failed", fault });
    process.stderr.write(`${describeFault(fault)}\n`);
    process.exit(1);
  }
}

if (import.meta.main) await runFromArguments();
