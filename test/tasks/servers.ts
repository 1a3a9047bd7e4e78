import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { createServer as createTlsServer, type ServerOptions } from "node:https";

export interface RunningServer extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:PORT`, or https. */
  readonly url: string;
  /** What was asked, in order: `GET /health`. */
  readonly asked: readonly string[];
}

export type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A real HTTP server; closes every connection when it is disposed of. */
export async function httpServer(handle: Handler, host = "127.0.0.1"): Promise<RunningServer> {
  const asked: string[] = [];
  const server = createServer(listener(handle, asked)).listen(0, host);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://${host}:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

export async function httpsServer(options: ServerOptions, handle: Handler): Promise<RunningServer> {
  const asked: string[] = [];
  const server = createTlsServer(options, listener(handle, asked)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `https://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function listener(handle: Handler, asked: string[]): RequestListener {
  return (request, response) => {
    asked.push(`${request.method ?? ""} ${request.url ?? ""}`);
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => (body += chunk));
    request.on("end", () => handle(request, response, body));
    response.on("error", () => undefined);
  };
}

/** A server that says whatever it likes once somebody has sent it something. */
export async function rawServer(answer: (socket: Socket) => void): Promise<RunningServer & { connections(): number }> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
    socket.once("data", (chunk) => {
      asked.push(chunk.toString("latin1").split(" HTTP/")[0] ?? "");
      answer(socket);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    asked,
    connections: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** A port at which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = createTcpServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Writes a text one byte at a time, each in a packet of its own as far as can be, until the socket closes. */
export function trickle(socket: Socket, text: string, everyMs: number): void {
  socket.setNoDelay(true);
  let at = 0;
  const timer = setInterval(() => {
    if (at < text.length) socket.write(text[at] ?? "");
    else clearInterval(timer);
    at += 1;
  }, everyMs);
  socket.on("close", () => clearInterval(timer));
}
