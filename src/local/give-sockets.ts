import { spawn } from "node:child_process";
import type { Server, Socket } from "node:net";
import { SOCKET_RELAY } from "./socket-relay.ts";

/** What a connection is upgraded to for sockets to be sent over it. */
export const SOCKETS_PROTOCOL = "tidegate-sockets";

/** A listening socket, by the address that it was asked for. */
export interface NamedSocket {
  readonly host: string;
  readonly port: number;
}

/**
 * Sends listening sockets, which this process keeps too, to whoever has the other end of the connection (see
 * take-sockets.ts), and closes it.
 */
export function giveSockets(connection: Socket, servers: ReadonlyMap<NamedSocket, Server>): void {
  connection.on("error", () => undefined);
  const open = [...servers].flatMap(([name, server]) => {
    const descriptor = descriptorOf(server);
    return descriptor === null ? [] : [{ name, descriptor }];
  });
  const names = open.map(({ name: { host, port } }) => ({ host, port }));
  const [program = process.execPath, ...words] = SOCKET_RELAY;
  const relay = spawn(program, [...words, JSON.stringify(names)], {
    stdio: ["ignore", "inherit", "inherit", connection, ...open.map(({ descriptor }) => descriptor)],
    env: { ...process.env, NODE_CHANNEL_FD: "3" },
  });
  relay.once("error", () => connection.destroy());
  relay.once("exit", () => connection.destroy());
}

/** null: it does not listen. */
function descriptorOf(server: Server): number | null {
  const { _handle: handle } = server as unknown as { readonly _handle: { readonly fd?: number } | null };
  return handle?.fd === undefined || handle.fd < 0 ? null : handle.fd;
}
