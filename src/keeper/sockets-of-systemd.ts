import net from "node:net";
import type { SocketHandle, TakenSocket } from "../local/take-sockets.ts";

/** The first descriptor that a service manager passes. Source: sd_listen_fds(3). */
const FIRST = 3;

/** Not in Node's documentation: a `net.Server` on the descriptor would accept at once, and lose what it accepts. */
const bare = net as unknown as {
  _createServerHandle(address: null, port: null, family: -1, descriptor: number, flags: 0): Named | number;
};

interface Named extends SocketHandle {
  getsockname(out: { address?: string; port?: number }): number;
}

/**
 * The listening sockets that systemd opened by a `.socket` unit and has passed to this process. It keeps them open itself,
 * so who connects waits in their queue also when keeper and data plane die together, and before they start at boot. They
 * may be ports that only root may open.
 */
export function socketsOfSystemd(env: NodeJS.ProcessEnv = process.env): readonly TakenSocket[] {
  const { LISTEN_PID: pid, LISTEN_FDS: count } = env;
  // For this process alone, and not for those that it starts.
  for (const name of ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]) delete env[name];
  if (Number(pid) !== process.pid) return [];
  return Array.from({ length: Number(count) || 0 }, (_, index) => opened(FIRST + index)).filter(
    (each) => each !== null,
  );
}

/** null: it is none that accepts connections of the network. */
function opened(descriptor: number): TakenSocket | null {
  try {
    const handle = bare._createServerHandle(null, null, -1, descriptor, 0);
    if (typeof handle === "number" || typeof handle.getsockname !== "function") return null;
    const name: { address?: string; port?: number } = {};
    if (handle.getsockname(name) !== 0 || name.address === undefined || name.port === undefined) return null;
    return { host: name.address, port: name.port, handle };
  } catch {
    return null;
  }
}
