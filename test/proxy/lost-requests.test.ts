import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type BareKeeper, kill, startBareKeeper } from "./bare-keeper.ts";
import { backend, endpoint, eventually, exchangeRaw, RawClient, startApp } from "./plane-under-test.ts";

const HELD = "GET /held HTTP/1.1\r\nHost: shop\r\n\r\n";
const GONE = "GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";
const UPGRADE = "GET / HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

describe("what a killed proxy had in flight", { concurrency: 3 }, () => {
  it("is told by the next one: so many requests by version, so many WebSockets", async () => {
    await using shop = await startShop();
    await using keeper = startBareKeeper();
    const first = await keeper.start();
    await keeper.put({
      stable: backend("v1", endpoint("web-1", shop.app)),
      candidate: backend("v/2", endpoint("web-2", shop.app)),
      share: 0,
    });
    const pinned =
      "GET /held HTTP/1.1\r\nHost: shop\r\nx-tidegate-version: v/2\r\nx-tidegate-token: engine-token\r\n\r\n";
    const clients = await Promise.all([HELD, HELD, pinned, UPGRADE].map((text) => ask(keeper.port, text)));
    await eventually("all of it at the app", () => shop.held.length === 3 && shop.sockets.length === 1);
    // What was answered before is not in flight any more.
    assert.match(await exchangeRaw(keeper.port, GONE), /fine$/);
    await eventually("the end of that one", () => /^\/ 4 0\nv1 2 1$/m.test(ledgerOf(keeper, first)));

    const killedAt = Date.now();
    await kill(first, "SIGKILL");
    for (const client of clients) {
      await client.closed();
      client[Symbol.dispose]();
    }
    await keeper.start();
    const { lost = [] } = await keeper.state();
    assert.equal(lost.length, 1);
    assert.deepEqual(
      { ...lost[0], proxy: "", at: 0 },
      { proxy: "", pid: first.pid, at: 0, requests: { v1: 2, "v/2": 1 }, webSockets: 1, connections: 4 },
    );
    assert.ok((lost[0]?.at ?? 0) <= killedAt + 1_000);
    // Told by every one that follows, and counted once.
    const third = await keeper.start();
    assert.deepEqual((await keeper.state()).lost, lost);
    await eventually("the second has ended", async () => (await keeper.state()).leaving === undefined, 20_000);
    await kill(third, "SIGTERM");
    assert.deepEqual(
      readdirSync(keeper.folder).filter((name) => name.endsWith(".inflight")),
      [],
    );
  });

  it("is nothing when it had nothing", async () => {
    await using shop = await startShop();
    await using keeper = startBareKeeper();
    const first = await keeper.start();
    await keeper.put({ stable: backend("v1", endpoint("web-1", shop.app)) });
    assert.match(await exchangeRaw(keeper.port, GONE), /fine$/);
    await eventually("the end of the request", () => ledgerOf(keeper, first) === "");
    await kill(first, "SIGKILL");
    await keeper.start();
    assert.equal((await keeper.state()).lost, undefined);
  });

  it("is told of one that was leaving too, and of one that cut what took too long", async () => {
    await using shop = await startShop();
    await using keeper = startBareKeeper();
    await keeper.start();
    await keeper.put({ stable: backend("v1", endpoint("web-1", shop.app)) });
    using slow = await ask(keeper.port, HELD);
    await eventually("the request at the app", () => shop.held.length === 1);
    await keeper.start({ longLivedMs: 100, requestsMs: 300 });
    await slow.closed();
    assert.equal(slow.text, "");
    await eventually("it is told", async () => (await keeper.state()).lost?.[0]?.requests["v1"] === 1, 20_000);
  });
});

/** What it has written down of itself, up to where it counts. */
function ledgerOf({ folder }: BareKeeper, { pid }: ChildProcess): string {
  const text = readFileSync(join(folder, `proxy-${String(pid).padStart(7, "0")}.inflight`), "latin1");
  return `\n${text.slice(512)}`.split("\n\n")[0] ?? "";
}

async function ask(port: number, text: string): Promise<RawClient> {
  const client = await RawClient.to(port);
  client.send(text);
  return client;
}

async function startShop() {
  const held: ServerResponse[] = [];
  const sockets: Socket[] = [];
  const app = await startApp((request, response) => {
    if (request.url === "/held") held.push(response);
    else response.end("fine");
  });
  app.server.on("upgrade", (_request: unknown, socket: Socket) => {
    socket.on("error", () => undefined);
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    sockets.push(socket);
  });
  return { app, held, sockets, [Symbol.asyncDispose]: () => app.close() };
}
