import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { type Held, Outage } from "../../src/proxy/outage.ts";
import {
  type App,
  backend,
  endpoint,
  eventually,
  exchangeRaw,
  get,
  type PlaneUnderTest,
  RawClient,
  startApp,
  startNamedApp,
  startPlaneFor,
} from "./plane-under-test.ts";

const GET = "GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n";

/** Its only instance has answered, and is gone. */
async function cutOff(name = "before"): Promise<{ readonly plane: PlaneUnderTest; readonly port: number }> {
  const app = await startNamedApp(name);
  const plane = await startPlaneFor(app);
  assert.equal((await get(plane.port)).body, name);
  await app.close();
  return { plane, port: app.port };
}

/** Requests that nobody has answered yet. */
function waiting({ plane }: PlaneUnderTest): number {
  return plane.state().inFlight["v1"] ?? 0;
}

describe("the only instance is gone, and is started again", () => {
  it("requests that come meanwhile wait, and are answered by the one that comes back, each once", async () => {
    const { plane: world, port } = await cutOff();
    await using plane = world;
    const answers = Array.from({ length: 5 }, () => get(plane.port));
    using upload = await RawClient.to(plane.port);
    upload.send("POST / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: 10\r\n\r\n01234");
    await eventually("all of them to wait", () => waiting(plane) === 6);
    const seen: string[] = [];
    await using _back = await startApp((request, response) => {
      let body = "";
      request.on("data", (chunk: Buffer) => (body += chunk.toString()));
      request.on("end", () => {
        seen.push(`${request.method} ${body}`);
        response.end("back again");
      });
    }, port);
    for (const { status, body } of await Promise.all(answers)) assert.deepEqual([status, body], [200, "back again"]);
    upload.send("56789");
    await upload.until("back again");
    assert.deepEqual(seen.toSorted(), [...Array.from({ length: 5 }, () => "GET "), "POST 0123456789"]);
    assert.equal(waiting(plane), 0);
  });

  it("one that stays away gets them the answer that they would have had, and who comes later does not wait", async () => {
    const { plane: world } = await cutOff();
    await using plane = world;
    const answer = exchangeRaw(plane.port, GET);
    await eventually("it to wait", () => waiting(plane) === 1);
    assert.match(await answer, /^HTTP\/1\.1 502 [^]*x-tidegate-error: connect-failed/);
    const later = exchangeRaw(plane.port, GET);
    assert.match(await later, /^HTTP\/1\.1 502 /);
  });

  it("one that has gone for good by another table gets nothing of what waited for it", async () => {
    const { plane: world, port } = await cutOff();
    await using plane = world;
    const answer = exchangeRaw(plane.port, GET);
    await eventually("it to wait", () => waiting(plane) === 1);
    await using other = await startNamedApp("other");
    await plane.put({ stable: backend("v2", endpoint("web-2", other)) });
    assert.match(await answer, /^HTTP\/1\.1 502 /);
    await using back = await startNamedApp("back", port);
    assert.equal((await get(plane.port)).body, "other");
    assert.equal(back.received(), "");
  });

  it("a WebSocket that is asked for meanwhile is opened then", async () => {
    const { plane: world, port } = await cutOff();
    await using plane = world;
    using client = await RawClient.to(plane.port);
    client.send("GET /socket HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    await eventually("it to wait", () => waiting(plane) === 1);
    await using back = await startNamedApp("back", port);
    back.server.on("upgrade", (_request: unknown, socket: Socket) =>
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nhello"),
    );
    await client.until("hello");
    assert.match(client.text, /^HTTP\/1\.1 101 /);
    assert.equal(waiting(plane), 0);
  });

  it("a client that has gone meanwhile costs it nothing", async () => {
    const { plane: world, port } = await cutOff();
    await using plane = world;
    {
      using client = await RawClient.to(plane.port);
      client.send("GET /gone HTTP/1.1\r\nHost: shop\r\n\r\n");
      await eventually("it to wait", () => waiting(plane) === 1);
    }
    await eventually("it to be forgotten", () => waiting(plane) === 0);
    const answer = get(plane.port, "/here");
    await eventually("the next to wait", () => waiting(plane) === 1);
    await using back: App = await startNamedApp("back", port);
    assert.equal((await answer).body, "back");
    assert.ok(!back.received().includes("/gone"));
  });
});

describe("an outage", () => {
  /** A request, and what became of it. */
  function request(): Held & { readonly told: string[] } {
    const told: string[] = [];
    return { told, goOn: () => void told.push("goes on"), endWait: () => void told.push("ends") };
  }

  it("holds nobody where nobody was ever answered: a wrong port is told at once", () => {
    const outage = new Outage(() => Promise.resolve(false));
    assert.equal(outage.hold(request()), false);
  });

  it("is over after its time, for those who wait and for those who come then, until somebody is answered", async () => {
    const outage = new Outage(() => Promise.resolve(false), 20);
    outage.noteAnswer();
    const first = request();
    assert.equal(outage.hold(first), true);
    await eventually("its end", () => first.told.length > 0);
    assert.deepEqual(first.told, ["ends"]);
    assert.equal(outage.hold(request()), false);
    outage.noteAnswer();
    const next = request();
    assert.equal(outage.hold(next), true);
    outage.giveUp();
    assert.deepEqual(next.told, ["ends"]);
  });

  it("lets them go in their order, but for those that are forgotten", async () => {
    let isThere = false;
    const outage = new Outage(() => Promise.resolve(isThere), 60_000);
    outage.noteAnswer();
    const order: number[] = [];
    const held = [1, 2, 3].map((number): Held => ({ goOn: () => void order.push(number), endWait: () => undefined }));
    for (const each of held) assert.equal(outage.hold(each), true);
    outage.forget(held[1] as Held);
    isThere = true;
    await eventually("those that are left", () => order.length === 2);
    assert.deepEqual(order, [1, 3]);
  });

  it("holds a bounded number", () => {
    const outage = new Outage(() => Promise.resolve(false), 60_000);
    outage.noteAnswer();
    let held = 0;
    while (held < 10_000 && outage.hold(request())) held += 1;
    assert.equal(held, 1_000);
    outage.giveUp();
  });
});
