import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { join } from "node:path";
import { freePort } from "../../src/adapters/runtime/free-port.ts";
import type { RoutingTable, TrafficState } from "../../src/core/traffic/routing.ts";
import { callControl } from "../../src/local/control-socket.ts";
import { backend, EMPTY_TABLE, endpoint, get } from "../proxy/plane-under-test.ts";
import type { KeeperUnderTest } from "./keeper-under-test.ts";

/** The proxy as it is, for keepers under test. */
export const REAL = { realProxy: true } as const;

/** An app that reads whatever it gets, and says "shop". */
export async function startShop(): Promise<Server> {
  const app = createServer((request, response) => {
    request.resume().once("end", () => response.end("shop"));
  }).listen(0, "127.0.0.1");
  await once(app, "listening");
  return app;
}

/** A proxy with a table; answers its port. */
export async function serving(keeper: KeeperUnderTest, app: Server): Promise<number> {
  const port = await freePort(new Set());
  await keeper.putProxy({ listeners: [{ host: "127.0.0.1", port }] });
  await writeTable(keeper, { stable: backend("v1", endpoint("web-1", app.address() as AddressInfo)) });
  assert.equal((await get(port)).body, "shop");
  return port;
}

export async function writeTable(keeper: KeeperUnderTest, changes: Partial<RoutingTable>): Promise<void> {
  const before = (await plane(keeper)).table ?? { ...EMPTY_TABLE, revision: 0 };
  const table = { ...before, ...changes, revision: before.revision + 1 };
  await callControl(controlSocket(keeper), "/table", { method: "PUT", body: { ifRevision: before.revision, table } });
}

export function plane(keeper: KeeperUnderTest): Promise<TrafficState> {
  return callControl<TrafficState>(controlSocket(keeper), "/state");
}

function controlSocket(keeper: KeeperUnderTest): string {
  return join(keeper.stateDir, "proxy.sock");
}

/** A request whose body has begun and ends when it is told to. */
export function holdRequest(port: number): {
  readonly begun: Promise<void>;
  finish(): void;
  readonly answer: Promise<string>;
} {
  const socket = connect({ host: "127.0.0.1", port });
  const begun = new Promise<void>((resolve) => {
    socket.once("connect", () =>
      socket.write("POST / HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
    );
    socket.once("data", () => resolve());
  });
  const answer = begun.then(
    () =>
      new Promise<string>((resolve, reject) => {
        let text = "";
        socket.on("data", (chunk: Buffer) => (text += chunk.toString()));
        socket.once("close", () => resolve(text));
        socket.once("error", reject);
      }),
  );
  return { begun, finish: () => void socket.write("ok"), answer };
}
