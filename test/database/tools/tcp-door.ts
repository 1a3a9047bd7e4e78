import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { PostgresServer } from "../../support/postgres.ts";

/** A port on which a server that listens on its socket alone can be reached: for tools that know no sockets. */
export interface TcpDoor extends AsyncDisposable {
  url(database: string): string;
}

export async function tcpDoor({ folder }: PostgresServer): Promise<TcpDoor> {
  const open = new Set<Socket>();
  const server = createServer((from) => {
    const to = connect(join(folder, ".s.PGSQL.5432"));
    from.pipe(to).pipe(from);
    for (const [socket, other] of [
      [from, to],
      [to, from],
    ] as const) {
      open.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        open.delete(socket);
        other.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: (database) => `postgres://gate@127.0.0.1:${port}/${database}`,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
