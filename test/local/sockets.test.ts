import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { describe, it } from "node:test";
import { giveSockets } from "../../src/local/give-sockets.ts";
import { type SocketHandle, takeSockets } from "../../src/local/take-sockets.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("listening sockets", () => {
  it("reach a process that was started by somebody else, and stay open for it when their owner lets go", async () => {
    await using folder = temporaryFolder();
    const path = folder.file("control.sock");
    const owned = [await listening("127.0.0.1"), await listening("::1")];
    const names = owned.map((server) => server.address() as AddressInfo);
    const control = createHttpServer();
    control.on("upgrade", (_request: IncomingMessage, connection: Socket) =>
      giveSockets(connection, new Map(owned.map((server, n) => [{ host: `asked-${n}`, port: n }, server]))),
    );
    control.listen(path);
    await once(control, "listening");

    const taken = await takeSockets(path);
    control.close();
    assert.deepEqual(
      taken.map(({ host, port }) => [host, port]),
      [
        ["asked-0", 0],
        ["asked-1", 1],
      ],
    );
    for (const server of owned) server.close();
    for (const [n, { address, port }] of names.entries()) {
      const client = connect({ host: address, port });
      await once(client, "connect");
      const answer = once(client, "data");
      // Who connected while nobody accepted is served by whoever accepts next.
      const next = accepting(taken[n]?.handle, `here is ${n}`);
      assert.equal(String(await answer), `here is ${n}`);
      client.destroy();
      next.close();
    }
  });

  it("are none where nobody answers, and where somebody answers who has none to give", async () => {
    await using folder = temporaryFolder();
    assert.deepEqual(await takeSockets(folder.file("nobody.sock")), []);
    const other = createHttpServer((_request, response) => response.end("{}")).listen(folder.file("other.sock"));
    await once(other, "listening");
    assert.deepEqual(await takeSockets(folder.file("other.sock")), []);
    other.close();
    other.closeAllConnections();
  });
});

async function listening(host: string): Promise<Server> {
  const server = createServer().listen(0, host);
  await once(server, "listening");
  return server;
}

function accepting(handle: SocketHandle | undefined, text: string): Server {
  return createServer((socket) => socket.end(text)).listen(handle);
}
