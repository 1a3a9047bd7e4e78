import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { listeningSockets } from "../../local/listening-sockets.ts";

/** Below what the kernel gives to outgoing connections on Linux by default. */
const FIRST = 20_000;
const LITTLE_ROOM = 1_000;
const TRIES = 50;

/**
 * A port on which nothing listens, out of the range that the kernel gives to outgoing connections: else a connection of
 * the proxy's own could take the port while an instance restarts. `taken` are those of instances that don't listen yet. The preferred one where it is
 * free: whoever knows an instance that runs again knows it by its port.
 */
export async function freePort(taken: ReadonlySet<number>, preferred?: number): Promise<number> {
  const room = firstEphemeralPort() - FIRST;
  const used = new Set(listeningSockets().map((socket) => socket.port));
  if (preferred !== undefined && !taken.has(preferred) && !used.has(preferred) && (await bind(preferred)) !== null)
    return preferred;
  const tries = room > LITTLE_ROOM ? TRIES : 0;
  for (let attempt = 0; attempt < tries; attempt++) {
    const port = FIRST + Math.floor(Math.random() * room);
    if (!taken.has(port) && !used.has(port) && (await bind(port)) !== null) return port;
  }
  for (;;) {
    const port = await bind(0);
    if (port !== null && !taken.has(port)) return port;
  }
}

function firstEphemeralPort(): number {
  try {
    return Number(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").trim().split(/\s+/)[0]);
  } catch {
    // macOS begins at 49 152.
    return 49_152;
  }
}

/** The port when it could be listened on, and let go of again; null when not. */
function bind(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(null));
    probe.listen({ host: "127.0.0.1", port, exclusive: true }, () => {
      const address = probe.address();
      probe.close(() => resolve(address !== null && typeof address === "object" ? address.port : null));
    });
  });
}
