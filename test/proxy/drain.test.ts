import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { describe, it } from "node:test";
import {
  backend,
  endpoint,
  eventually,
  get,
  RawClient,
  startApp,
  startNamedApp,
  startPlane,
} from "./plane-under-test.ts";

const GET = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";

async function startHeld() {
  const responses: ServerResponse[] = [];
  const app = await startApp((_request, response) => void responses.push(response));
  const other = await startNamedApp("other");
  const plane = await startPlane({ stable: backend("v1", endpoint("web-1", app)) });
  return {
    responses,
    plane,
    /** From now on there is another instance beside. */
    addOther: () => plane.put({ stable: backend("v1", endpoint("web-1", app), endpoint("web-2", other)) }),
    async [Symbol.asyncDispose]() {
      await plane[Symbol.asyncDispose]();
      await app.close();
      await other.close();
    },
  };
}

describe("drain", () => {
  it("waits for what is in flight and sends nothing new there", async () => {
    await using held = await startHeld();
    using client = await RawClient.to(held.plane.port);
    client.send(GET);
    await eventually("the request at the app", () => held.responses.length === 1);
    await held.addOther();
    let isDrained = false;
    const drained = held.plane.plane.drain("web-1", 5_000).finally(() => (isDrained = true));
    for (let i = 0; i < 10; i += 1) assert.equal((await get(held.plane.port)).body, "other");
    assert.equal(isDrained, false);
    held.responses[0]?.end("done");
    assert.deepEqual(await drained, { left: 0 });
    await client.until("done");
  });

  it("says at its deadline what is left, and leaves ordinary requests to end by themselves", async () => {
    await using held = await startHeld();
    using client = await RawClient.to(held.plane.port);
    client.send(GET);
    await eventually("the request at the app", () => held.responses.length === 1);
    assert.deepEqual(await held.plane.plane.drain("web-1", 50), { left: 1 });
    held.responses[0]?.end("done");
    await client.until("done");
  });

  it("ends at once where nothing is in flight, and for an instance that nobody knows", async () => {
    await using held = await startHeld();
    assert.deepEqual(await held.plane.plane.drain("web-1", 60_000), { left: 0 });
    assert.deepEqual(await held.plane.plane.drain("nobody", 60_000), { left: 0 });
  });

  it("finds an instance that has left the table with something in flight", async () => {
    await using held = await startHeld();
    using client = await RawClient.to(held.plane.port);
    client.send(GET);
    await eventually("the request at the app", () => held.responses.length === 1);
    await held.plane.put({ stable: null });
    const drained = held.plane.plane.drain("web-1", 5_000);
    held.responses[0]?.end("done");
    assert.deepEqual(await drained, { left: 0 });
    await client.until("done");
  });

  it("ends event streams between two events, in an orderly way", async () => {
    await using held = await startHeld();
    using client = await RawClient.to(held.plane.port);
    client.send(GET);
    await eventually("the request at the app", () => held.responses.length === 1);
    const [stream] = held.responses as [ServerResponse];
    stream.writeHead(200, { "content-type": "text/event-stream" });
    stream.write("data: whole\n\ndata: ha");
    await client.until("data: ha");
    const drained = held.plane.plane.drain("web-1", 5_000);
    stream.write("lf\n\n");
    assert.deepEqual(await drained, { left: 0 });
    await client.until("lf\n\n");
    await client.until("0\r\n\r\n");
    await eventually("the app to hear of the end", () => stream.destroyed);
  });

  it("takes an instance out while the table says so, and back when it no longer does", async () => {
    const first = await startNamedApp("first");
    const second = await startNamedApp("second");
    await using plane = await startPlane({
      stable: backend("v1", endpoint("web-1", first, { draining: true }), endpoint("web-2", second)),
    });
    const names = async () =>
      new Set((await Promise.all(Array.from({ length: 10 }, () => get(plane.port)))).map(({ body }) => body));
    assert.deepEqual(await names(), new Set(["second"]));
    await plane.put({ stable: backend("v1", endpoint("web-1", first), endpoint("web-2", second)) });
    assert.deepEqual(await names(), new Set(["first", "second"]));
    await Promise.all([first.close(), second.close()]);
  });
});

describe("pause", () => {
  it("holds new requests and lets them go in their order", async () => {
    const urls: string[] = [];
    await using app = await startApp((request, response) => {
      urls.push(request.url ?? "");
      response.end("ok");
    });
    await using plane = await startPlane({ stable: backend("v1", endpoint("web-1", app)) });
    plane.plane.pause.begin(5_000, 10);
    const answers: Promise<unknown>[] = [];
    for (let i = 0; i < 3; i += 1) {
      answers.push(get(plane.port, `/${i}`));
      await eventually("the request to be held", () => plane.plane.pause.held === i + 1);
    }
    assert.deepEqual(urls, []);
    plane.plane.pause.end();
    await Promise.all(answers);
    assert.deepEqual(urls, ["/0", "/1", "/2"]);
  });

  it("is bounded in number and in time", async () => {
    await using app = await startNamedApp("app");
    await using plane = await startPlane({ stable: backend("v1", endpoint("web-1", app)) });
    plane.plane.pause.begin(200, 1);
    const held = get(plane.port);
    await eventually("the request to be held", () => plane.plane.pause.held === 1);
    const tooMany = await get(plane.port);
    assert.equal(tooMany.status, 503);
    assert.equal(tooMany.headers.get("x-tidegate-error"), "paused");
    assert.equal(tooMany.headers.get("retry-after"), "1");
    assert.equal((await held).status, 503);
    assert.equal((await get(plane.port)).body, "app");
  });
});
