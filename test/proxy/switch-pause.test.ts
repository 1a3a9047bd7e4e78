import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { describe, it } from "node:test";
import type { Emergency } from "../../src/core/release/emergency.ts";
import type { RoutingTable } from "../../src/core/traffic/routing.ts";
import { Refusal } from "../../src/local/control-socket.ts";
import { startBareKeeper } from "./bare-keeper.ts";
import {
  backend,
  EMPTY_TABLE,
  endpoint,
  eventually,
  get,
  RawClient,
  startApp,
  startPlane,
} from "./plane-under-test.ts";

const HELD = "GET /held HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";
const GET = "GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";
const CLOSE_1001 = "\x88\x02\x03\xe9";

describe("a switch between versions that must not serve at once", () => {
  it("waits for what the old one has, and holds who comes; then all of them are answered by the new one", async () => {
    await using shop = await startShop();
    await using plane = await startPlane(shop.table({ share: 0 }));
    using slow = await ask(plane.port, HELD);
    await eventually("the request at v1", () => shop.held("v1").length === 1);
    const switched = plane.put({ share: 10_000 });
    await eventually("the pause", () => plane.plane.pause.isOn);
    const waiting = await Promise.all([ask(plane.port, GET), ask(plane.port, GET)]);
    await eventually("both held", () => plane.plane.pause.held === 2);
    assert.deepEqual(shop.served, ["v1"]);
    shop.held("v1")[0]?.end("v1 to the end");
    await switched;
    await slow.until("v1 to the end");
    for (const client of waiting) {
      await client.until("\r\n\r\nv2");
      client[Symbol.dispose]();
    }
    assert.equal(plane.plane.pause.isOn, false);
    assert.equal((await get(plane.port)).body, "v2");
    assert.equal(shop.overlaps(), 0);
  });

  it("is given up when something of the old one does not end in time: it stays as it was, and nobody is refused", async () => {
    await using shop = await startShop();
    await using plane = await startPlane(shop.table({ share: 0, pause: { forMs: 300 } }));
    using slow = await ask(plane.port, HELD);
    await eventually("the request at v1", () => shop.held("v1").length === 1);
    const switched = plane.put({ share: 10_000 });
    await eventually("the pause", () => plane.plane.pause.isOn);
    using waiting = await ask(plane.port, GET);
    await assert.rejects(switched, (error: unknown) => {
      assert.ok(error instanceof Refusal);
      assert.deepEqual([error.status, error.fault.code], [409, "switch-not-drained"]);
      assert.match(error.fault.what, /^One request was still under way on v1 after a pause of 300ms/);
      return true;
    });
    await waiting.until("\r\n\r\nv1");
    assert.equal(plane.plane.table.table?.share, 0);
    shop.held("v1")[0]?.end("late");
    await slow.until("late");
  });

  it("goes back to stable in the end, whatever the new one still has", async () => {
    await using shop = await startShop();
    await using plane = await startPlane(shop.table({ share: 10_000, pause: { forMs: 300 } }));
    using stuck = await ask(plane.port, HELD);
    await eventually("the request at v2", () => shop.held("v2").length === 1);
    const back = plane.put({ share: 0 });
    await eventually("the pause", () => plane.plane.pause.isOn);
    using waiting = await ask(plane.port, GET);
    await back;
    await waiting.until("\r\n\r\nv1");
    shop.held("v2")[0]?.end("v2 at last");
    await stuck.until("v2 at last");
  });

  it("waits for nothing in an emergency, not even for a switch that is under way", async () => {
    await using shop = await startShop();
    await using plane = await startPlane(shop.table({ share: 0, pause: { forMs: 30_000 } }));
    using slow = await ask(plane.port, HELD);
    await eventually("the request at v1", () => shop.held("v1").length === 1);
    const switched = assert.rejects(plane.put({ share: 10_000 }), { name: "FaultError" });
    await eventually("the pause", () => plane.plane.pause.isOn);
    await plane.put({ share: 0, emergency: { id: "now" } as Emergency });
    await switched;
    assert.equal((await get(plane.port)).body, "v1");
    shop.held("v1")[0]?.end("fine");
    await slow.until("fine");
  });

  it("asks WebSockets and event streams of the old one to go, and cuts those that don't", async () => {
    await using shop = await startShop();
    await using plane = await startPlane(shop.table({ share: 0, pause: { forMs: 1_000 } }));
    using polite = await ask(plane.port, "GET /events HTTP/1.1\r\nHost: shop\r\n\r\n");
    await polite.until("data: v1\n\n");
    using deaf = await ask(
      plane.port,
      "GET / HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    );
    await deaf.until("101 Switching Protocols\r\n");
    await plane.put({ share: 10_000 });
    await polite.until("\r\n0\r\n\r\n");
    await deaf.until(CLOSE_1001);
    await deaf.closed();
    assert.equal((await get(plane.port)).body, "v2");
  });

  it("is no matter of tables in which the same version serves on", async () => {
    await using shop = await startShop();
    await using plane = await startPlane(shop.table({ share: 10_000 }));
    using slow = await ask(plane.port, HELD);
    await eventually("the request at v2", () => shop.held("v2").length === 1);
    const { candidate } = plane.plane.table.table as RoutingTable;
    await plane.put({ stable: candidate, candidate: null, share: 0 });
    assert.equal((await get(plane.port)).body, "v2");
    shop.held("v2")[0]?.end("fine");
    await slow.until("fine");
  });

  it("is refused for a part of the traffic", async () => {
    await using shop = await startShop();
    await using keeper = startBareKeeper();
    await keeper.start();
    await assert.rejects(keeper.put(shop.table({ share: 500 })), (error: unknown) => {
      assert.ok(error instanceof Refusal);
      assert.deepEqual([error.status, error.fault.code], [422, "traffic-table-refused"]);
      assert.match(error.fault.cause ?? "", /two versions never serve at once/);
      return true;
    });
  });

  it("waits for what a process has that is just being relieved, too", async () => {
    await using shop = await startShop();
    await using keeper = startBareKeeper();
    await keeper.start();
    await keeper.put(shop.table({ share: 0, pause: { forMs: 20_000 } }));
    using slow = await ask(keeper.port, HELD);
    await eventually("the request at v1", () => shop.held("v1").length === 1);
    await keeper.start();
    const switched = keeper.put({ share: 10_000 });
    using waiting = await untilHeld(keeper.port);
    shop.held("v1")[0]?.end("v1 to the end");
    await slow.until("v1 to the end");
    await switched;
    await waiting.until("\r\n\r\nv2");
    assert.equal(shop.overlaps(), 0);
  });
});

async function ask(port: number, text: string): Promise<RawClient> {
  const client = await RawClient.to(port);
  client.send(text);
  return client;
}

/** Asks until an answer stays out: from then on requests are held. */
async function untilHeld(port: number): Promise<RawClient> {
  for (;;) {
    const client = await ask(port, GET);
    const isAnswered = await eventually("an answer", () => client.text !== "", 300).then(
      () => true,
      () => false,
    );
    if (!isAnswered) return client;
    client[Symbol.dispose]();
  }
}

/** Two versions that note who served when. */
async function startShop() {
  const held = new Map<string, ServerResponse[]>();
  const served: string[] = [];
  const serving = new Map<string, number>();
  let overlaps = 0;
  const start = (version: string) =>
    startApp((request, response) => {
      served.push(version);
      serving.set(version, (serving.get(version) ?? 0) + 1);
      if ([...serving.values()].filter((count) => count > 0).length > 1) overlaps += 1;
      response.once("close", () => serving.set(version, (serving.get(version) ?? 0) - 1));
      if (request.url === "/held") held.set(version, [...(held.get(version) ?? []), response]);
      else if (request.url === "/events") {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write(`data: ${version}\n\n`);
      } else response.end(version);
    });
  const [one, two] = [await start("v1"), await start("v2")];
  for (const { server } of [one, two]) {
    server.on("upgrade", (_request: unknown, socket: NodeJS.WritableStream) => {
      socket.on("error", () => undefined);
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    });
  }
  return {
    served,
    held: (version: string): readonly ServerResponse[] => held.get(version) ?? [],
    overlaps: () => overlaps,
    table: (changes: Partial<RoutingTable>): Partial<RoutingTable> => ({
      ...EMPTY_TABLE,
      stable: backend("v1", endpoint("web-1", one)),
      candidate: backend("v2", endpoint("web-2", two)),
      pause: { forMs: 10_000 },
      ...changes,
    }),
    async [Symbol.asyncDispose]() {
      await one.close();
      await two.close();
    },
  };
}
