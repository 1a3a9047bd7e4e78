import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import {
  type AddressInfo,
  connect,
  createServer as createNetServer,
  type Server as NetServer,
  type Socket,
} from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Backend, Endpoint, RoutingTable } from "../../src/core/traffic/routing.ts";
import { stateFolder } from "../../src/local/state-folder.ts";
import type { Waits } from "../../src/proxy/exchange-context.ts";
import { DEFAULT_TIMEOUTS, Plane } from "../../src/proxy/plane.ts";
import type { ProxyTimeouts } from "../../src/proxy/protocol.ts";

const BOUND_MS = 5_000;

/** Waits for a condition that something else brings about; fails with the text when it does not come. */
export async function eventually(
  what: string,
  isSo: () => boolean | Promise<boolean>,
  boundMs = BOUND_MS,
): Promise<void> {
  const endsAt = performance.now() + boundMs;
  while (!(await isSo())) {
    if (performance.now() > endsAt) throw new Error(`not within ${boundMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** For `eventually`: whether the value has been the same for so many looks in a row; null is none. */
export function standsStill(value: () => number | null, looks = 20): () => boolean {
  let before: number | null = null;
  let same = 0;
  return () => {
    const now = value();
    same = now !== null && now === before ? same + 1 : 0;
    before = now;
    return same >= looks;
  };
}

export function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), "tidegate-test-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** An instance of an app, with what it has seen. */
export interface App extends AsyncDisposable {
  readonly port: number;
  readonly server: Server | NetServer;
  readonly sockets: ReadonlySet<Socket>;
  /** Everything that arrived, as text of one byte a character. */
  received(): string;
  close(): Promise<void>;
}

async function appOn(server: Server | NetServer, port: number, host = "127.0.0.1"): Promise<App> {
  const sockets = new Set<Socket>();
  let bytes = "";
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => sockets.delete(socket));
    // As text of one byte a character; node:http's own listener stays beside this one.
    socket.on("data", (chunk: Buffer) => (bytes += chunk.toString("latin1")));
  });
  server.listen(port, host);
  await once(server, "listening");
  const close = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    port: (server.address() as AddressInfo).port,
    server,
    sockets,
    received: () => bytes,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** An app on node:http. */
export function startApp(listener: RequestListener, port = 0, host?: string): Promise<App> {
  return appOn(createServer({ keepAliveTimeout: 60_000 }, listener), port, host);
}

/** An app that speaks for itself, byte by byte. */
export function startRawApp(onConnection: (socket: Socket) => void, port = 0): Promise<App> {
  return appOn(createNetServer({ allowHalfOpen: true }, onConnection), port);
}

/** An app that tells who answered. */
export function startNamedApp(name: string, port = 0, host?: string): Promise<App> {
  return startApp(
    (request: IncomingMessage, response: ServerResponse) => {
      request.resume();
      response.setHeader("x-app", name);
      response.end(name);
    },
    port,
    host,
  );
}

export function endpoint(id: string, app: { readonly port: number }, changes: Partial<Endpoint> = {}): Endpoint {
  return { id, service: "web", host: "127.0.0.1", port: app.port, draining: false, ...changes };
}

export function backend(version: string, ...instances: readonly Endpoint[]): Backend {
  return { version, slot: version === "v1" ? "blue" : "green", instances };
}

export const EMPTY_TABLE: RoutingTable = {
  revision: 1,
  epoch: 1,
  app: "shop",
  environment: "test",
  release: 0,
  offset: 0,
  stable: null,
  candidate: null,
  share: 0,
  routes: [{ path: "/", service: "web" }],
  sticky: { kind: "cookie", name: "tidegate" },
  pins: { header: "x-tidegate-version" },
  engineToken: "engine-token",
  health: {},
  lease: null,
};

export interface PlaneUnderTest extends AsyncDisposable {
  readonly plane: Plane;
  readonly port: number;
  /** Puts a table in force, whatever revision it has. */
  put(changes: Partial<RoutingTable>): Promise<void>;
}

export interface PlaneOptions {
  readonly folder?: string;
  readonly waits?: Waits;
  readonly timeouts?: Partial<ProxyTimeouts>;
}

/** A data plane of its own on a free port, with a table when one is given. */
export async function startPlane(
  table: Partial<RoutingTable> | null,
  { folder, waits, timeouts }: PlaneOptions = {},
): Promise<PlaneUnderTest> {
  const temporary = folder === undefined ? temporaryFolder() : null;
  const plane = new Plane(stateFolder(folder ?? temporary?.path ?? ""), waits);
  const { port } = await plane.listen({ host: "127.0.0.1", port: 0 }, { ...DEFAULT_TIMEOUTS, ...timeouts });
  const put = async (changes: Partial<RoutingTable>): Promise<void> => {
    const before = plane.table.table ?? EMPTY_TABLE;
    const ifRevision = plane.table.table?.revision ?? 0;
    await plane.table.write({ ifRevision, table: { ...before, ...changes, revision: ifRevision + 1 } });
  };
  if (table !== null) await put(table);
  return {
    plane,
    port,
    put,
    async [Symbol.asyncDispose]() {
      await plane.close();
      temporary?.[Symbol.dispose]();
    },
  };
}

/** A data plane in front of one instance of stable. */
export function startPlaneFor(app: App, options?: PlaneOptions): Promise<PlaneUnderTest> {
  return startPlane({ stable: backend("v1", endpoint("web-1", app)) }, options);
}

/** A client that speaks for itself. */
export class RawClient implements Disposable {
  readonly socket: Socket;
  /** What has arrived, as text of one byte a character. */
  text = "";
  isClosed = false;
  error: NodeJS.ErrnoException | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => (this.text += chunk.toString("latin1")));
    socket.on("error", (error) => (this.error = error));
    socket.on("end", () => (this.isClosed = true));
    socket.on("close", () => (this.isClosed = true));
  }

  static async to(port: number): Promise<RawClient> {
    const socket = connect({ port, host: "127.0.0.1" });
    await once(socket, "connect");
    return new RawClient(socket);
  }

  send(text: string | Buffer): void {
    this.socket.write(text, "latin1");
  }

  /** Waits until the text has arrived. */
  async until(text: string): Promise<void> {
    await eventually(`"${text}" in what arrived:\n${this.text}`, () => this.text.includes(text));
  }

  /** Waits until the other side has ended the connection. */
  async closed(): Promise<void> {
    await eventually(`the end of the connection; arrived:\n${this.text}`, () => this.isClosed);
  }

  [Symbol.dispose](): void {
    this.socket.destroy();
  }
}

/** Sends a whole request on a connection of its own and answers everything that came back until it closed. */
export async function exchangeRaw(port: number, request: string): Promise<string> {
  using client = await RawClient.to(port);
  client.send(request);
  await client.closed();
  return client.text;
}

export interface Fetched {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** One plain request; `headers` as given. */
export async function get(port: number, path = "/", headers: Record<string, string> = {}): Promise<Fetched> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers, redirect: "manual" });
  return { status: response.status, headers: response.headers, body: await response.text() };
}
