import { connect, type Socket } from "node:net";
import { FaultError } from "../../../core/fault.ts";
import type { HaproxyAddress } from "../../../core/plan/traffic.ts";

/** One connection to HAProxy's runtime API, for a few commands after each other. */
export interface RuntimeSession extends Disposable {
  /** The answer without its prompt; commands with a payload end with an empty line. Faults: traffic-unreachable. */
  run(command: string): Promise<string>;
}

const PROMPT = "\n> ";

/**
 * Opens the runtime API in interactive mode, in which every answer ends with a prompt. Faults: traffic-unreachable (nobody
 * listens, nobody answers), traffic-not-permitted, haproxy-not-spoken.
 */
export async function openRuntime(address: HaproxyAddress, timeoutMs: number): Promise<RuntimeSession> {
  const socket = dial(address);
  let buffer = "";
  let waiting: { resolve(text: string): void; reject(error: Error): void } | null = null;
  let failure: Error | null = null;

  const fail = (error: Error): void => {
    failure ??= error;
    waiting?.reject(failure);
    waiting = null;
    socket.destroy();
  };
  socket.setEncoding("utf8");
  socket.setTimeout(timeoutMs, () => fail(unreachable(address, `it does not answer within ${timeoutMs} ms`)));
  socket.on("error", (error: NodeJS.ErrnoException) => fail(notReached(address, error)));
  socket.on("close", () => fail(unreachable(address, "it closed the connection")));
  socket.on("data", (text: string) => {
    buffer += text;
    if (!buffer.endsWith(PROMPT) || waiting === null) return;
    const answer = buffer.slice(0, -PROMPT.length);
    buffer = "";
    const asked = waiting;
    waiting = null;
    asked.resolve(answer);
  });

  const run = (command: string): Promise<string> =>
    new Promise((resolve, reject) => {
      if (failure === null) {
        waiting = { resolve, reject };
        socket.write(`${command}\n`);
      } else reject(failure);
    });

  try {
    await spokenBy(address, run, () => buffer);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  return { run, [Symbol.dispose]: () => socket.destroy() };
}

/** The place as people write it. */
export function nameOf(address: HaproxyAddress): string {
  return address.kind === "unix" ? address.path : `${address.host}:${address.port}`;
}

export function dial(address: HaproxyAddress): Socket {
  return address.kind === "unix" ? connect(address.path) : connect({ host: address.host, port: address.port });
}

/** Asks for prompts. What is no HAProxy has something else to say, or nothing. */
async function spokenBy(
  address: HaproxyAddress,
  run: (command: string) => Promise<string>,
  said: () => string,
): Promise<void> {
  const greeting = await run("prompt").catch((error: unknown) => {
    if (said() === "") throw error;
    return said();
  });
  if (greeting.trim() === "") return;
  throw new FaultError({
    code: "haproxy-not-spoken",
    what: `What answers at ${nameOf(address)} is not HAProxy's runtime API.`,
    where: nameOf(address),
    detail: greeting.trim().split("\n").slice(0, 3),
    fix: "name the socket of HAProxy's line `stats socket PATH mode 660 level admin` in traffic.haproxy",
  });
}

function notReached(address: HaproxyAddress, error: NodeJS.ErrnoException): FaultError {
  if (error.code !== "EACCES" && error.code !== "EPERM") return unreachable(address, error.message, error);
  return new FaultError(
    {
      code: "traffic-not-permitted",
      what: `HAProxy's runtime socket ${nameOf(address)} may not be opened by this user.`,
      where: nameOf(address),
      cause: error.message,
      fix: "put this user into the socket's group (`ls -l` shows it), or write `user`, `group` and `mode 660` into HAProxy's `stats socket` line",
    },
    { cause: error },
  );
}

function unreachable(address: HaproxyAddress, cause: string, error?: Error): FaultError {
  return new FaultError(
    {
      code: "traffic-unreachable",
      what: `HAProxy at ${nameOf(address)} can't be asked.`,
      where: nameOf(address),
      cause,
      fix: "see whether HAProxy runs, and whether its configuration has `stats socket` at this place; then: tidegate doctor",
    },
    error === undefined ? undefined : { cause: error },
  );
}
