import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createHaproxyLastResort } from "../../src/adapters/traffic/haproxy/last-resort.ts";
import { createHaproxyTraffic } from "../../src/adapters/traffic/haproxy/traffic.ts";
import { FaultError } from "../../src/core/fault.ts";
import type { Traffic } from "../../src/ports/traffic.ts";
import { type App, eventually, get, RawClient, startApp, startNamedApp } from "../proxy/plane-under-test.ts";
import { haproxyUnderTest } from "../support/haproxy.ts";
import { until } from "../support/until.ts";
import { PLAN, side, type Stage, startStage, tableOf } from "./stage.ts";

const MAP = "shop.production.map";
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

function fault(code: string, text = /./): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof FaultError, String(error));
    assert.equal(error.fault.code, code, error.fault.what);
    assert.match(`${error.fault.what} ${error.fault.fix ?? ""}`, text);
    return true;
  };
}

/** Lets WebSockets be opened, and then says nothing. */
function takeSockets(app: App): void {
  app.server.on("upgrade", (_request: unknown, socket: { write(text: string): void }) =>
    socket.write(
      // The accept key of the sample nonce, as RFC 6455 gives it.
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
    ),
  );
}

async function openSocket(port: number): Promise<RawClient> {
  const socket = await RawClient.to(port);
  socket.send(
    "GET /ws HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  await socket.until("101 Switching");
  return socket;
}

describe("steering an HAProxy", () => {
  let stage: Stage;
  before(async () => {
    stage = opened.use(await startStage({ frontend: ["http-request set-log-level silent if { path /silent }"] }));
  });
  const body = async (path = "/") => (await get(stage.haproxy.port, path)).body;
  const mapPath = (): string => join(stage.haproxy.haproxy.files ?? "", MAP);

  it("lets one of two writers through who saw the same table, and tells the other", async () => {
    await stage.write({ share: 0 });
    const other = createHaproxyTraffic({ app: "shop", environment: "production", haproxy: stage.haproxy.haproxy });
    for (let round = 0; round < 10; round += 1) {
      const [mine, theirs] = [await stage.table({ share: 1_000 }), await stage.table({ share: 2_000 })];
      const outcomes = await Promise.allSettled([
        stage.traffic.write(mine, mine.revision - 1),
        other.write(theirs, theirs.revision - 1),
      ]);
      const refused = outcomes.filter(({ status }) => status === "rejected");
      assert.equal(refused.length, 1);
      assert.ok(fault("revision-conflict")((refused[0] as PromiseRejectedResult).reason));
      const won = outcomes[0]?.status === "fulfilled" ? 1_000 : 2_000;
      assert.equal((await stage.traffic.read())?.table?.share, won);
    }
  });

  it("goes on after a writer who died in the middle of writing", async () => {
    const { revision } = await stage.write({ share: 0 });
    await stage.haproxy.command(`del map ${mapPath()} rev.${revision}`);
    await stage.write({ share: 2_500 });
    assert.equal((await stage.traffic.read())?.table?.share, 2_500);
  });

  it("tells what a foreign hand has done to the share", async () => {
    const { revision } = await stage.write({ share: 1_000 });
    await stage.haproxy.command(`set map ${mapPath()} route ${revision}|10000|0|blue|green|always|7`);
    assert.equal(await body(), "v2");
    assert.equal((await stage.traffic.read())?.table?.share, 10_000);
    await stage.write({ share: 0 });
    assert.equal(await body(), "v1");
  });

  it("follows an instance to another port, and takes away the server of one that is gone", async () => {
    await using moved = await startApp((_request, response) => response.end("moved"));
    const v1 = side("v1", "blue", stage.apps.v1);
    await stage.write({ stable: side("v1", "blue", moved) });
    assert.equal(await body(), "moved");
    const second = { ...v1.instances[0], id: "web-blue-2" } as (typeof v1.instances)[number];
    await stage.write({ stable: { ...v1, instances: [second] } });
    assert.equal(await body(), "v1");
    const servers = await stage.haproxy.command("show servers state tidegate.shop.production.web.blue");
    assert.match(servers, / web-blue-2 /);
    assert.doesNotMatch(servers, / web-blue-1 /);
    await stage.write();
  });

  it("drains an instance to its last request, and cuts what is left at the deadline", async () => {
    let answer = (): void => undefined;
    await using slow = await startApp((_request, response) => void (answer = () => response.end("slow")));
    takeSockets(slow);
    const blue = side("v1", "blue", slow);
    await stage.write({ stable: blue });
    const asked = body();
    await eventually("the request to arrive", () => slow.received().includes("GET / "));
    const drained = stage.traffic.drain("web-blue-1", 10_000);
    answer();
    assert.deepEqual([await drained, await asked], [{ left: 0 }, "slow"]);

    using socket = await openSocket(stage.haproxy.port);
    assert.equal((await stage.traffic.read())?.inFlight["v1"], 1);
    assert.deepEqual(await stage.traffic.drain("web-blue-1", 50), { left: 1 });
    await socket.closed();
    await stage.write({ stable: side("v1", "blue", stage.apps.v1) });
  });

  it("counts as open what reached an instance by the user's own backend, before it was taken over", async () => {
    const apps = { v1: await startNamedApp("v1"), v2: await startNamedApp("v2") };
    takeSockets(apps.v1);
    await using taken = await startStage({ apps, backend: [`server old 127.0.0.1:${apps.v1.port}`] });
    using socket = await openSocket(taken.haproxy.port);
    await taken.write({ candidate: null });
    assert.deepEqual(await taken.traffic.drain("web-blue-1", 50), { left: 1 });
    for (const each of apps.v1.sockets) each.destroy();
    await socket.closed();
    assert.deepEqual(await taken.traffic.drain("web-blue-1", 10_000), { left: 0 });
  });

  it("says how many requests its log does not tell of, by what HAProxy has counted itself", async () => {
    const { next } = await stage.traffic.observations(0);
    for (let request = 0; request < 5; request += 1) await body("/silent");
    let cursor = next;
    const trouble = await until("the loss to be told", async () => {
      const batch = await stage.traffic.observations(cursor);
      cursor = batch.next;
      return batch.trouble ?? null;
    });
    assert.match(trouble, /^of [45] requests HAProxy at \S+ counted, its log does not tell/);
  });

  it("starts again with the shares and servers that it had; a share that nobody watched meanwhile is over", async () => {
    await stage.write({ share: 10_000 });
    await stage.haproxy.start();
    assert.equal(await body(), "v2");
    const { revision } = await stage.write({ share: 10_000, lease: { unwatchedMs: 1, do: "stable" } });
    await stage.haproxy.start();
    assert.equal(await body(), "v1");
    const state = await stage.traffic.read();
    assert.deepEqual([state?.table?.share, state?.table?.revision], [0, revision + 1]);
    assert.ok(state?.returnedAt !== null);
    await stage.write({ share: 10_000 });
    assert.equal(await body(), "v2", "it is given again in one write");
    const told = await until("the restart to be told", async () => (await stage.traffic.observations(0)).trouble);
    assert.match(told, /was started again/);
  });

  it("starts again with instances at other addresses than its own", async () => {
    await using elsewhere = await startNamedApp("elsewhere", 0, "127.0.0.2");
    const [endpoint] = side("v1", "blue", elsewhere).instances;
    const instances = endpoint === undefined ? [] : [{ ...endpoint, host: "127.0.0.2" }];
    await stage.write({ stable: { version: "v1", slot: "blue", instances } });
    assert.equal(await body(), "elsewhere");
    await stage.haproxy.start();
    assert.equal(await body(), "elsewhere");
    const { endpoints } = (await stage.traffic.read()) ?? {};
    assert.equal(endpoints?.["web-blue-1"]?.healthy, true);
    await stage.write();
  });

  it("is given back by the engine that acts what its files don't say, and by nobody who only looks", async () => {
    await using acting = await startStage();
    const { haproxy, traffic, apps } = acting;
    const asked = async () => (await get(haproxy.port)).body;
    await traffic.claim(3);
    const [v1] = side("v1", "blue", apps.v1).instances;
    const many = Array.from(
      { length: 6 },
      (_, index) => ({ ...v1, id: `web-blue-${index}` }) as NonNullable<typeof v1>,
    );
    await acting.write({ epoch: 3, stable: { version: "v1", slot: "blue", instances: many } });
    const old = [MAP, "shop.production.servers"].map((name) => join(haproxy.haproxy.files ?? "", name));
    const before = old.map((file) => readFileSync(file));
    await acting.write({ epoch: 3, share: 10_000 });
    for (const [index, file] of old.entries()) writeFileSync(file, before[index] ?? "");
    await haproxy.start();
    assert.equal(await asked(), "v1", "it begins with what its files say");
    const onlooker = createHaproxyTraffic({ app: "shop", environment: "production", haproxy: haproxy.haproxy });
    assert.equal((await onlooker.read())?.table?.share, 0);
    assert.equal((await traffic.read())?.table?.share, 10_000);
    assert.equal(await asked(), "v2");

    await acting.write({ epoch: 3, stable: { version: "v1", slot: "blue", instances: many } });
    await haproxy.start();
    const { endpoints = {} } = (await traffic.read()) ?? {};
    assert.deepEqual(
      many.map(({ id }) => endpoints[id]?.healthy),
      many.map(() => true),
      "more than it finds again by itself",
    );
  });

  it("begins on stable after the last resort, where it is down", async () => {
    await stage.write({ share: 10_000 });
    await stage.haproxy.kill();
    assert.equal(await stage.traffic.read(), null);
    const last = createHaproxyLastResort({ app: "shop", environment: "production", haproxy: stage.haproxy.haproxy });
    const left = await last.read();
    assert.ok(left !== null);
    await last.write({ ...left.table, revision: left.table.revision + 1, share: 0 });
    assert.match((await last.startAnew()) ?? "", /whoever runs it/);
    await stage.haproxy.start();
    assert.equal(await body(), "v1");
  });

  it("keeps no token in the lines that its frontend reads", () => {
    assert.doesNotMatch(readFileSync(mapPath(), "utf8"), /engine-token/);
  });
});

describe("two load balancers of one app", () => {
  it("agree, or the one that does not is told; one that is away holds what goes up, never what goes down", async () => {
    await using one = await startStage();
    await using two = await startStage({ apps: one.apps });
    const [a, b] = [one.haproxy, two.haproxy];
    const traffic = createHaproxyTraffic({
      app: "shop",
      environment: "production",
      haproxy: { ...a.haproxy, balancers: [a.address, b.address], files: null },
    });
    const write = async (share: number): ReturnType<Traffic["write"]> => {
      const seen = await traffic.read();
      const before = seen?.table?.revision ?? 0;
      const sides = { stable: side("v1", "blue", one.apps.v1), candidate: side("v2", "green", one.apps.v2) };
      return await traffic.write(tableOf({ revision: before + 1, share, ...sides }), before);
    };
    const both = async (): Promise<readonly string[]> =>
      await Promise.all([a, b].map(async ({ port }) => (await get(port)).body));
    await traffic.claim(1);
    await write(10_000);
    assert.deepEqual(await both(), ["v2", "v2"]);

    await b.start();
    assert.equal((await get(b.port)).body, "before", "it has lost everything, and its files are out of reach");
    assert.equal((await traffic.read())?.table?.share, 10_000, "the engine that acts gives it back at its first look");
    assert.deepEqual(await both(), ["v2", "v2"]);

    await b.command(`clear map ${join(b.haproxy.files ?? "", MAP)}`);
    const odd = await traffic.read();
    assert.deepEqual([odd?.table?.share, odd?.table?.candidate], [0, null], "what somebody does by hand is told");
    await write(10_000);
    assert.deepEqual(await both(), ["v2", "v2"]);

    await write(5_000);
    await b.kill();
    const seen = await traffic.read();
    assert.deepEqual(
      seen?.away?.map(({ isGone }) => isGone),
      [true],
    );
    assert.match(seen?.away?.[0]?.what ?? "", new RegExp(b.address.path));
    await assert.rejects(write(10_000), fault("traffic-unreachable", /Nothing more is given/));
    assert.equal((await write(0)).table?.share, 0);
    assert.equal((await get(a.port)).body, "v1");
    await assert.rejects(traffic.observations(0), fault("traffic-unreachable", new RegExp(b.address.path)));
  });
});

describe("what can't be steered", () => {
  const trafficAt = (path: string): Traffic =>
    createHaproxyTraffic({
      app: "shop",
      environment: "production",
      digest: "as-planned",
      haproxy: { balancers: [{ kind: "unix", path }], files: null, inside: "/etc/haproxy/tidegate" },
    });

  it("is told by name, with what to do, and is left alone", async () => {
    await using haproxy = await haproxyUnderTest();
    const { path } = haproxy.address;
    await assert.rejects(trafficAt(path).ensure([]), fault("traffic-unreachable", /see whether HAProxy runs/));
    haproxy.configure(PLAN, { isBare: true });
    await haproxy.start();
    await assert.rejects(trafficAt(path).ensure([]), fault("haproxy-fragment-missing", /tidegate haproxy diff/));
    await assert.rejects(trafficAt(path).write(tableOf({}), 0), fault("haproxy-fragment-missing"));
    for (const level of ["user", "operator"] as const) {
      haproxy.configure(PLAN, { level });
      await haproxy.start();
      const refused = new RegExp(`level ${level}.*level admin`);
      await assert.rejects(trafficAt(path).ensure([]), fault("traffic-not-permitted", refused));
      const stable = side("v1", "blue", { port: 1 } as App);
      await assert.rejects(trafficAt(path).write(tableOf({ stable }), 0), fault("traffic-not-permitted"));
      assert.equal(await (await fetch(haproxy.url)).text(), "before");
    }
    assert.equal((await trafficAt(path).read())?.table, null);
    haproxy.configure(PLAN);
    await haproxy.start();
    await assert.rejects(trafficAt(path).ensure([]), fault("haproxy-fragment-outdated", /tidegate haproxy apply/));
  });

  it("is a socket of something else too, whether it talks or not", async () => {
    await using haproxy = await haproxyUnderTest();
    for (const greeting of ["HTTP/1.1 400 Bad Request\r\n\r\n", ""]) {
      const path = join(haproxy.folder, `other-${greeting.length}.sock`);
      const server = createServer((socket) => socket.once("data", () => socket.end(greeting))).listen(path);
      await once(server, "listening");
      const code = greeting === "" ? "traffic-unreachable" : "haproxy-not-spoken";
      await assert.rejects(trafficAt(path).ensure([]), fault(code));
      server.close();
    }
  });
});
