/** An app with everything that lasts: slow answers, uploads, event streams, WebSockets that echo. Says its port. */
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";

const EVENT_MS = 100;
const SLOW_MS = 20;

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  if (request.url === "/events") {
    response.writeHead(200, { "content-type": "text/event-stream" });
    let number = 0;
    const timer = setInterval(() => response.write(`data: ${(number += 1)}\n\n`), EVENT_MS);
    response.once("close", () => clearInterval(timer));
    return;
  }
  let bytes = 0;
  request.on("data", (chunk: Buffer) => (bytes += chunk.length));
  request.once("end", () => {
    const body = `${bytes}`;
    const send = (): void => {
      response.writeHead(200, {
        "content-length": body.length,
        "x-version": "v1",
        "x-instance": process.pid,
        "x-begun": 0,
        "x-number": request.headers["x-number"] ?? "",
      });
      response.end(body);
    };
    if (request.url === "/slow") setTimeout(send, SLOW_MS);
    else send();
  });
});
server.on("upgrade", (_request: unknown, socket: Socket) => {
  socket.on("error", () => undefined);
  socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  // What the client sends comes back, its Close too.
  socket.on("data", (bytes) => socket.write(bytes));
  socket.on("end", () => socket.end());
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
