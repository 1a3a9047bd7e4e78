import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import net, { type Server } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RoutingTable, TrafficState } from "../../src/core/traffic/routing.ts";
import { callControl } from "../../src/local/control-socket.ts";
import { DEFAULT_TIMEOUTS } from "../../src/proxy/plane.ts";
import type { LeaveWithin, ListenerMessage, ListenersDone, ProxyFailed, ProxyReady } from "../../src/proxy/protocol.ts";
import { EMPTY_TABLE, temporaryFolder } from "./plane-under-test.ts";

export const MAIN = fileURLToPath(new URL("../../src/proxy/main.ts", import.meta.url));

/** What a keeper does for the proxy: it holds a bound socket, and gives it to one process after another. */
export interface BareKeeper extends AsyncDisposable {
  readonly folder: string;
  readonly port: number;
  /** Starts a process; it takes over from one that lives. */
  start(leaveWithin?: LeaveWithin): Promise<ChildProcess>;
  state(): Promise<TrafficState>;
  /** Puts a table in force, whatever revision it has. */
  put(changes: Partial<RoutingTable>): Promise<void>;
}

interface BoundHandle {
  getsockname(out: { port?: number }): number;
  close(): void;
}

export function startBareKeeper(): BareKeeper {
  const folder = temporaryFolder();
  const children: ChildProcess[] = [];
  const handle = (
    net as unknown as { _createServerHandle(host: string, port: number, family: number): BoundHandle }
  )._createServerHandle("127.0.0.1", 0, 4);
  const bound: { port?: number } = {};
  handle.getsockname(bound);
  const port = bound.port ?? 0;
  const socket = join(folder.path, "proxy.sock");
  return {
    folder: folder.path,
    port,
    state: () => callControl<TrafficState>(socket, "/state"),
    async put(changes) {
      const before = (await callControl<TrafficState>(socket, "/state")).table ?? { ...EMPTY_TABLE, revision: 0 };
      const table = { ...before, ...changes, revision: before.revision + 1 };
      await callControl(socket, "/table", { method: "PUT", body: { ifRevision: before.revision, table } });
    },
    async start(leaveWithin) {
      const child = fork(MAIN, ["--state", folder.path], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
      children.push(child);
      const listener: ListenerMessage = {
        type: "listener",
        listener: { host: "127.0.0.1", port },
        timeouts: DEFAULT_TIMEOUTS,
      };
      const done: ListenersDone = { type: "listeners-done", ...(leaveWithin === undefined ? {} : { leaveWithin }) };
      child.send(listener, handle as unknown as Server);
      child.send(done);
      const [message] = (await once(child, "message")) as [ProxyReady | ProxyFailed];
      assert.deepEqual(message, { type: "ready" });
      return child;
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) await kill(child, "SIGKILL");
      handle.close();
      folder[Symbol.dispose]();
    },
  };
}

export async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
}
