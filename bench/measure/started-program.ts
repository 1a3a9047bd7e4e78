import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { once } from "node:events";
import { createServer, connect, type AddressInfo } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { atTheEnd } from "./endings.ts";

/** A process that was started for a measurement; disposing of it ends it. */
export interface StartedProgram extends AsyncDisposable {
  readonly pid: number;
  readonly child: ChildProcess;
}

const STARTS_WITHIN_MS = 10_000;
const living = new Set<ChildProcess>();

// Whatever way this program ends, nothing that it started may stay.
process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

export function startProgram(command: string, args: readonly string[], options: SpawnOptions = {}): StartedProgram {
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "inherit"], ...options });
  living.add(child);
  const exited = new Promise<void>((resolve) => {
    child.once("error", () => resolve());
    child.once("exit", () => resolve());
  }).then(() => living.delete(child));
  const ending = atTheEnd(() => {
    child.kill("SIGKILL");
    return exited;
  });
  return { pid: child.pid ?? 0, child, [Symbol.asyncDispose]: () => ending[Symbol.asyncDispose]() };
}

/** Starts a TypeScript program that writes the port on which it listens as its first line. */
export async function startListening(
  program: URL,
  args: readonly string[],
): Promise<StartedProgram & { readonly port: number }> {
  const started = startProgram(process.execPath, [program.pathname, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { child } = started;
  if (child.stdout === null) throw new Error("its output was asked for");
  const lines = createInterface({ input: child.stdout });
  const [line] = (await once(lines, "line", { signal: AbortSignal.timeout(STARTS_WITHIN_MS) })) as [string];
  return { ...started, port: Number(line) };
}

/** A port on which nobody listened a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Resolves when something accepts connections there. */
export async function accepting(port: number): Promise<void> {
  const endsAt = performance.now() + STARTS_WITHIN_MS;
  for (;;) {
    const socket = connect({ port, host: "127.0.0.1" });
    try {
      await once(socket, "connect");
      return;
    } catch (error) {
      if (performance.now() > endsAt) throw error;
      await delay(20);
    } finally {
      socket.destroy();
    }
  }
}
