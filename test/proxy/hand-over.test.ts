import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createEmbeddedTraffic } from "../../src/adapters/traffic/embedded.ts";
import type { TrafficState } from "../../src/core/traffic/routing.ts";
import { stateFolder } from "../../src/local/state-folder.ts";
import type { Traffic } from "../../src/ports/traffic.ts";
import { LEAVE_WITHIN } from "../../src/proxy/protocol.ts";
import { type BareKeeper, kill, startBareKeeper } from "./bare-keeper.ts";
import { type App, backend, endpoint, eventually, RawClient, startApp, startNamedApp } from "./plane-under-test.ts";

const GET = "GET / HTTP/1.1\r\nHost: shop\r\n\r\n";
const UPGRADE =
  "GET /socket HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
const CLOSE_1001 = "\x88\x02\x03\xe9";

describe("a hand-over from one process of the proxy to the next", { concurrency: 4 }, () => {
  it("lets every request finish that the old one has: slow, pipelined, uploaded, streamed", async () => {
    await using shop = await startShop();
    await using keeper = startBareKeeper();
    const old = await keeper.start();
    await keeper.put({ stable: backend("v1", endpoint("web-1", shop.app)) });

    using slow = await RawClient.to(keeper.port);
    slow.send("GET /held HTTP/1.1\r\nHost: shop\r\n\r\n");
    using pipelined = await RawClient.to(keeper.port);
    pipelined.send("GET /held HTTP/1.1\r\nHost: shop\r\n\r\n".repeat(3));
    using upload = await RawClient.to(keeper.port);
    upload.send("POST /upload HTTP/1.1\r\nHost: shop\r\nContent-Length: 10\r\n\r\n01234");
    using events = await RawClient.to(keeper.port);
    events.send("GET /events HTTP/1.1\r\nHost: shop\r\n\r\n");
    using kept = await RawClient.to(keeper.port);
    kept.send(GET);
    using idle = await RawClient.to(keeper.port);
    idle.send(GET);
    using silent = await RawClient.to(keeper.port);
    await eventually("all of it at the app", () => shop.held.length === 4 && shop.app.received().includes("01234"));
    await events.until("data: begin\n\n");
    await kept.until("fine");
    await idle.until("fine");

    const next = await keeper.start({ longLivedMs: 1_000, requestsMs: 60_000 });
    assert.equal((await keeper.state()).pid, next.pid);
    assert.equal((await keeper.state()).leaving?.pid, old.pid);
    assert.equal((await keeper.state()).inFlight["v1"], 6, "what both have");

    // On the old one's connections: answered, with word not to come back on them.
    kept.text = "";
    kept.send(GET);
    await kept.until("fine");
    assert.match(kept.text, /\r\nConnection: close\r\n/);
    await kept.closed();
    silent.send(GET);
    await silent.until("fine");
    // On new ones: the new process.
    using fresh = await RawClient.to(keeper.port);
    fresh.send(GET);
    await fresh.until("fine");
    assert.match(fresh.text, /\r\nConnection: keep-alive\r\n/);

    for (const response of shop.held) response.end("held to the end");
    await slow.until("held to the end");
    await eventually("three answers in a row", () => pipelined.text.split("held to the end").length === 4);
    assert.equal(pipelined.text.split("Connection: close").length, 2, "said once, with the last of them");
    upload.send("56789");
    await upload.until("got 0123456789");

    shop.streams[0]?.write("data: half");
    await events.until("data: half");
    shop.streams[0]?.write(" and half\n\n");
    await events.until("and half");
    await events.closed();
    assert.ok(events.text.endsWith("\r\n0\r\n\r\n"), "a stream ends in order, between two events");
    await idle.closed();
    assert.ok(idle.error === undefined);
    await ended(old);
    assert.equal((await keeper.state()).leaving, undefined);
  });

  it("keeps WebSockets for their time, then asks both sides to go away", async () => {
    await using shop = await startShop();
    await using keeper = startBareKeeper();
    const old = await keeper.start();
    await keeper.put({ stable: backend("v1", endpoint("web-1", shop.app)) });
    using socket = await RawClient.to(keeper.port);
    socket.send(UPGRADE);
    await socket.until("101 Switching Protocols\r\n");

    await keeper.start({ longLivedMs: 500, requestsMs: 60_000 });
    assert.equal((await keeper.state()).leaving?.webSockets, 1);
    assert.equal((await keeper.state()).endpoints["web-1"]?.webSockets, 1);
    socket.send("\x81\x80\x01\x02\x03\x04");
    await socket.until("\x81\x80\x01\x02\x03\x04");
    await socket.until(CLOSE_1001);
    socket.socket.end();
    await socket.closed();
    await ended(old);
  });

  it("has a change in force in both before it is acknowledged", async () => {
    await using one = await startNamedApp("v1");
    await using two = await startNamedApp("v2");
    await using keeper = startBareKeeper();
    await keeper.start();
    await keeper.put({ stable: backend("v1", endpoint("web-1", one)) });
    using onOld = await RawClient.to(keeper.port);
    // Half a request keeps the connection, and its other half comes after the change.
    onOld.send("GET / HTTP/1.1\r\n");
    await keeper.start(LEAVE_WITHIN);
    for (const stable of [backend("v2", endpoint("web-2", two)), backend("v1", endpoint("web-1", one))]) {
      using other = await RawClient.to(keeper.port);
      await keeper.put({ stable });
      other.send(GET);
      await other.until(`\r\n\r\n${stable.version}`);
    }
    await keeper.put({ stable: backend("v2", endpoint("web-2", two)) });
    onOld.send("Host: shop\r\n\r\n");
    await onOld.until("\r\n\r\nv2");
    assert.match(onOld.text, /\r\nConnection: close\r\n/, "it was the old one's");
  });

  it("drains an instance in both", async () => {
    await using shop = await startShop();
    await using keeper = startBareKeeper();
    await keeper.start();
    await keeper.put({ stable: backend("v1", endpoint("web-1", shop.app)) });
    using slow = await RawClient.to(keeper.port);
    slow.send("GET /held HTTP/1.1\r\nHost: shop\r\n\r\n");
    await eventually("the request at the app", () => shop.held.length === 1);
    await keeper.start();
    const traffic = trafficOf(keeper);
    assert.deepEqual(await traffic.drain("web-1", 50), { left: 1 });
    const drained = traffic.drain("web-1", 20_000);
    shop.held[0]?.end("done");
    assert.deepEqual(await drained, { left: 0 });
  });

  it("loses no count: a reader gets the rows of both, each once", async () => {
    await using shop = await startShop();
    await using keeper = startBareKeeper();
    const old = await keeper.start();
    await keeper.put({ stable: backend("v1", endpoint("web-1", shop.app)) });
    const count = counter(trafficOf(keeper));
    using client = await RawClient.to(keeper.port);
    let sent = 0;
    const ask = async (times: number): Promise<void> => {
      for (let i = 0; i < times; i += 1) {
        using each = await RawClient.to(keeper.port);
        each.send("GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
        await each.until("fine");
        sent += 1;
      }
    };
    await ask(5);
    await eventually("some counted by the old one", async () => (await count()) === sent);
    await ask(7);
    client.send("GET /held HTTP/1.1\r\nHost: shop\r\n\r\n");
    sent += 1;
    await eventually("the request at the app", () => shop.held.length === 1);
    await keeper.start();
    await ask(3);
    await count();
    shop.held[0]?.end("held");
    await client.until("held");
    await ended(old);
    await eventually("all counted", async () => (await count()) >= sent, 20_000);
    assert.equal(await count(), sent, "none twice");
    // One who comes later has it all from the new one.
    assert.equal(await counter(trafficOf(keeper))(), sent);
    // And so has the memory of days, when they go on to a third one.
    await keeper.start();
    const minute = Math.floor(Date.now() / 60_000) * 60_000;
    const past = await trafficOf(keeper).past?.(minute - 600_000, minute + 60_000);
    assert.equal(past?.requests, sent);
  });

  it("gives the old one back its charge when the new one dies, with what was changed meanwhile", async () => {
    await using shop = await startShop();
    await using keeper = startBareKeeper();
    const old = await keeper.start();
    await keeper.put({ stable: backend("v1", endpoint("web-1", shop.app)) });
    using slow = await RawClient.to(keeper.port);
    slow.send("GET /held HTTP/1.1\r\nHost: shop\r\n\r\n");
    await eventually("the request at the app", () => shop.held.length === 1);
    const next = await keeper.start();
    await keeper.put({ release: 7 });
    await kill(next, "SIGKILL");
    await eventually("the old one in charge", async () => (await keeper.state().catch(() => null))?.pid === old.pid);
    assert.equal((await keeper.state()).table?.release, 7);
    await keeper.put({ release: 8 });

    const third = await keeper.start();
    const state = await keeper.state();
    assert.deepEqual([state.pid, state.leaving?.pid, state.table?.release], [third.pid, old.pid, 8]);
    shop.held[0]?.end("held through two hand-overs");
    await slow.until("held through two hand-overs");
    await ended(old);
  });

  it("ends an old one that hangs, rather than let it send requests where none may go", async () => {
    await using shop = await startShop();
    await using keeper = startBareKeeper();
    const old = await keeper.start();
    await keeper.put({ stable: backend("v1", endpoint("web-1", shop.app)) });
    using slow = await RawClient.to(keeper.port);
    slow.send("GET /held HTTP/1.1\r\nHost: shop\r\n\r\n");
    await eventually("the request at the app", () => shop.held.length === 1);
    await keeper.start();
    old.kill("SIGSTOP");
    const gone = once(old, "exit");
    await keeper.put({ release: 7 });
    assert.deepEqual(await gone, [null, "SIGKILL"]);
    assert.equal((await keeper.state()).table?.release, 7);
  });

  it("leaves no socket behind of those that have ended", async () => {
    await using keeper = startBareKeeper();
    const first = await keeper.start();
    await keeper.put({});
    await kill(first, "SIGKILL");
    const own = join(keeper.folder, `proxy-${String(first.pid).padStart(7, "0")}.sock`);
    assert.ok(existsSync(own), "a killed one can't tidy up");
    const second = await keeper.start();
    assert.ok(!existsSync(own));
    await kill(second, "SIGTERM");
    assert.ok(!existsSync(join(keeper.folder, "proxy.sock")));
  });
});

interface Shop extends AsyncDisposable {
  readonly app: App;
  /** Requests for /held, which wait to be answered. */
  readonly held: readonly ServerResponse[];
  readonly streams: readonly ServerResponse[];
}

async function startShop(): Promise<Shop> {
  const held: ServerResponse[] = [];
  const streams: ServerResponse[] = [];
  const app = await startApp((request: IncomingMessage, response: ServerResponse) => {
    if (request.url === "/held") held.push(response);
    else if (request.url === "/upload") {
      let text = "";
      request.on("data", (chunk: Buffer) => (text += chunk.toString()));
      request.on("end", () => response.end(`got ${text}`));
    } else if (request.url === "/events") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write("data: begin\n\n");
      streams.push(response);
    } else response.end("fine");
  });
  app.server.on("upgrade", (_request: unknown, socket: Socket) => {
    socket.on("error", () => undefined);
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    socket.on("data", (bytes) => socket.write(bytes));
    socket.on("end", () => socket.end());
  });
  return { app, held, streams, [Symbol.asyncDispose]: () => app.close() };
}

function trafficOf(keeper: BareKeeper): Traffic {
  return createEmbeddedTraffic({ folder: stateFolder(keeper.folder), startProxy: () => Promise.resolve() });
}

/** Reads as the engine does, and answers how many requests it has been told of so far. */
function counter(traffic: Traffic): () => Promise<number> {
  const cursor = { proxy: "", next: 0 };
  let requests = 0;
  return async () => {
    const { proxy } = (await traffic.read()) as TrafficState;
    if (proxy !== cursor.proxy) Object.assign(cursor, { proxy, next: 0 });
    const batch = await traffic.observations(cursor.next);
    cursor.next = batch.next;
    for (const row of batch.rows) requests += row.requests;
    return requests;
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  assert.deepEqual([child.exitCode, child.signalCode], [0, null]);
}
