import type { IncomingMessage, Server, ServerOptions, ServerResponse } from "node:http";
import type { Server as TlsServer } from "node:https";
import { Server as NetServer, type Socket } from "node:net";
import { FaultError } from "../core/fault.ts";
import type { Listener } from "../core/traffic/routing.ts";
import { http, https } from "../local/node-http.ts";
import type { ProxyTimeouts } from "./protocol.ts";
import { refuseOnSocket, refusalOfParserError, REFUSALS } from "./refusal.ts";
import { MAX_HEADER_LINES } from "./request-head.ts";
import { readTlsFiles, watchTlsFiles } from "./tls-files.ts";
import { isTunnelProtocol } from "./upgrade.ts";

const MAX_HEADER_BYTES = 16 * 1024;
/** Idle connections of clients may still bring a request for this long after the process was told to go, and later ones too. */
const IDLE_AT_STOP_MS = 3_000;

export interface ListenerHandlers {
  /** A client's connection has been opened or has ended. */
  readonly onConnection: () => void;
  readonly request: (request: IncomingMessage, response: ServerResponse) => void;
  readonly upgrade: (request: IncomingMessage, early: Buffer) => void;
}

/** A socket that clients connect to, plain or TLS. */
export interface OpenListener {
  readonly listener: Listener;
  /** Holds the listening socket. */
  readonly server: Server | TlsServer;
  /** Of clients, open now. */
  readonly connections: ReadonlySet<Socket>;
  /** New time-outs; connections that are open keep theirs until their next request. */
  configure(timeouts: ProxyTimeouts): void;
  /** Accepts no more; connections end after their requests, idle ones after a grace. Resolves when all have ended. */
  stopAccepting(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a listener: on a handle that another process made, or by itself. Faults: port-taken, listen-failed,
 * tls-files-unusable.
 */
export async function openListener(
  listener: Listener,
  timeouts: ProxyTimeouts,
  handlers: ListenerHandlers,
  handle?: unknown,
): Promise<OpenListener> {
  const { tls } = listener;
  const server: Server | TlsServer =
    tls === undefined
      ? http().createServer(limits())
      : https().createServer({ ...limits(), ...readTlsFiles(tls), ALPNProtocols: ["http/1.1"] });
  const sockets = new Set<Socket>();
  configure(server, timeouts);
  server.maxHeadersCount = MAX_HEADER_LINES + 1;
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    handlers.onConnection();
    socket.once("close", () => {
      sockets.delete(socket);
      handlers.onConnection();
    });
  });
  server.on("request", handlers.request);
  server.on("checkContinue", handlers.request);
  server.on("checkExpectation", handlers.request);
  server.on("upgrade", (request: IncomingMessage, socket: Socket, early: Buffer) => {
    socket.on("error", () => socket.destroy());
    handlers.upgrade(request, early);
  });
  server.on("connect", (_request: IncomingMessage, socket: Socket) => {
    socket.on("error", () => socket.destroy());
    refuseOnSocket(socket, REFUSALS.connectMethod);
  });
  server.on("clientError", onClientError);
  await listen(server, listener, handle);
  const stopWatching =
    tls === undefined ? undefined : watchTlsFiles(tls, (files) => (server as TlsServer).setSecureContext(files));
  const address = server.address();

  return {
    server,
    connections: sockets,
    listener: address !== null && typeof address === "object" ? { ...listener, port: address.port } : listener,
    configure: (changed) => configure(server, changed),
    stopAccepting() {
      stopWatching?.();
      // Right after the loop has read what has come: a request that lay there unread would be lost with its connection.
      const sweep = setInterval(() => setImmediate(() => server.closeIdleConnections()), IDLE_AT_STOP_MS);
      sweep.unref();
      return new Promise((resolve) => {
        // Not server.close() of node:http: that one destroys idle connections at once, and a request may be on its way.
        NetServer.prototype.close.call(server, () => {
          clearInterval(sweep);
          resolve();
        });
      });
    },
    async close() {
      stopWatching?.();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await closed;
    },
  };
}

function limits(): ServerOptions & { readonly shouldUpgradeCallback: (request: IncomingMessage) => boolean } {
  return {
    maxHeaderSize: MAX_HEADER_BYTES,
    insecureHTTPParser: false,
    // A long upload over a slow line is no fault; one that stands still is, and the exchange watches for that.
    requestTimeout: 0,
    connectionsCheckingInterval: 500,
    noDelay: true,
    shouldUpgradeCallback: (request) => isTunnelProtocol(request.headers.upgrade),
    optimizeEmptyRequests: true,
  };
}

function configure(server: Server | TlsServer, { headersMs, idleMs }: ProxyTimeouts): void {
  server.headersTimeout = headersMs;
  server.keepAliveTimeout = idleMs;
}

/** What can't be parsed is answered when nothing is under way on that connection, and the connection ends either way. */
function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  const isBusy = (socket as { _httpMessage?: { headersSent: boolean } | null })._httpMessage?.headersSent === true;
  if (error.code === "ECONNRESET" || isBusy || !socket.writable) socket.destroy();
  else refuseOnSocket(socket, refusalOfParserError(error.code));
}

function listen(server: Server | TlsServer, { host, port }: Listener, handle: unknown): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(listenFault(error, host, port)));
    if (handle === undefined || handle === null) server.listen({ host, port }, resolve);
    else server.listen(handle, resolve);
  });
}

function listenFault(error: NodeJS.ErrnoException, host: string, port: number): FaultError {
  const isTaken = error.code === "EADDRINUSE";
  return new FaultError(
    {
      code: isTaken ? "port-taken" : "listen-failed",
      what: isTaken ? `Another process already listens on port ${port}.` : `Listening on port ${port} is not possible.`,
      where: `${host}:${port}`,
      cause: error.message,
      fix: isTaken ? "stop that process or choose another port" : "choose another host or port",
    },
    { cause: error },
  );
}
