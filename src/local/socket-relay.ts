import net from "node:net";
import { ownProgram } from "./own-program.ts";

/**
 * A program of a few milliseconds: it inherits a connection as its channel (descriptor 3) and listening sockets from
 * descriptor 4 on, and sends these over that. Node sends sockets over the channel between a parent and its child only;
 * with this one in between they reach whoever has the other end of the connection.
 */
export const SOCKET_RELAY = ownProgram("socket-relay", import.meta.url);

const FIRST = 4;

/** Not in Node's documentation: a `net.Server` on the descriptor would accept at once, and lose what it accepts. */
const bare = net as unknown as {
  _createServerHandle(address: null, port: null, family: -1, descriptor: number, flags: 0): unknown;
};

/** What the program does with its one word: the names of the sockets, as JSON. */
export async function relaySockets(words: readonly string[]): Promise<void> {
  const names = JSON.parse(words[0] ?? "[]") as readonly unknown[];
  // The second socket is sent when the first was acknowledged, and a channel that nobody listens to keeps no process alive.
  process.channel?.ref();
  for (const [index, name] of names.entries()) {
    const handle = bare._createServerHandle(null, null, -1, FIRST + index, 0);
    await new Promise<void>((resolve, reject) => {
      process.send?.(name, handle as never, {}, (error) => (error === null ? resolve() : reject(error)));
    });
  }
  process.disconnect();
}

if (import.meta.main) void relaySockets(process.argv.slice(2));
