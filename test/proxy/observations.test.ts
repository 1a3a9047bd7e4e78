import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { describe, it } from "node:test";
import { bucketOf, merge } from "../../src/core/analysis/histogram.ts";
import { failuresOf, routesByExcess } from "../../src/core/diagnosis/evidence.ts";
import type { SecondRow } from "../../src/core/observation.ts";
import { Observations } from "../../src/proxy/observations.ts";
import { FAILED, PASSED_ON } from "../../src/proxy/outcome.ts";
import { LATE_MS, Patience } from "../../src/proxy/patience.ts";
import { routeKey } from "../../src/proxy/route-key.ts";
import {
  backend,
  endpoint,
  eventually,
  get,
  type PlaneUnderTest,
  RawClient,
  startApp,
  startNamedApp,
  startPlane,
  startPlaneFor,
  startRawApp,
} from "./plane-under-test.ts";

/** Counting with a clock that is moved by hand. */
function counting() {
  let wall = 1_000_000_000;
  const observations = new Observations("proxy-1", () => wall);
  return {
    observations,
    pass: (ms: number) => (wall += ms),
    count: (version: string, status: number, ms = 10, target = "/") =>
      observations.count(observations.tally(version), status, ms, "GET", target),
  };
}

describe("rows of a second", () => {
  it("hold what ended in it, by version and status class", () => {
    const { observations, pass, count } = counting();
    for (const status of [200, 204, 101, 302, 404, 500, 503, FAILED]) count("v1", status);
    count("v2", 200, 42);
    assert.deepEqual(observations.batch(0).rows, [], "the second is not over");
    pass(1_000);
    count("v1", 200);
    const { rows, next, lost, proxy, at } = observations.batch(0);
    assert.deepEqual(rows[0], {
      second: 1_000_000,
      version: "v1",
      requests: 8,
      status: { ok: 3, redirect: 1, client: 1, server: 2, failed: 1 },
      latency: { [bucketOf(10)]: 8 },
      webSockets: { opened: 0, failed: 0 },
      worst: [{ route: "GET /", requests: 8, bad: 3, status: 500 }],
      mixed: false,
    } satisfies SecondRow);
    assert.deepEqual(rows[1]?.latency, { [bucketOf(42)]: 1 });
    assert.deepEqual(
      { length: rows.length, next, lost, proxy, at },
      { length: 2, next: 3, lost: 0, proxy: "proxy-1", at: 1_000_001_000 },
    );
  });

  it("are read once each, by sequence", () => {
    const { observations, pass, count } = counting();
    const seen: number[] = [];
    let next = 0;
    for (let i = 0; i < 5; i += 1) {
      count("v1", 200);
      pass(1_000);
      const batch = observations.batch(next);
      next = batch.next;
      seen.push(...batch.rows.map(({ second }) => second - 1_000_000));
      assert.deepEqual(observations.batch(next).rows, []);
    }
    assert.deepEqual(seen, [0, 1, 2, 3, 4]);
  });

  it("are there for ten minutes; whoever comes later is told how many were lost", () => {
    const { observations, pass, count } = counting();
    count("v1", 200);
    pass(1_000);
    const { next } = observations.batch(0);
    for (let i = 0; i < 700; i += 1) {
      count("v1", 200);
      pass(1_000);
    }
    const late = observations.batch(next);
    assert.equal(late.lost, 100);
    const fresh = observations.batch(0);
    assert.equal(fresh.lost, 0, "a new reader has lost nothing");
    assert.deepEqual(fresh.rows[0], late.rows[0]);
  });

  it("never grow beyond their cap, however many versions there are", () => {
    const { observations, pass, count } = counting();
    for (let i = 0; i < 600; i += 1) {
      for (let version = 0; version < 8; version += 1) count(`v${version}`, 200);
      pass(1_000);
    }
    let rows = 0;
    let batch = observations.batch(0);
    while (batch.rows.length > 0) {
      rows += batch.rows.length;
      batch = observations.batch(batch.next);
    }
    assert.equal(rows, 2_400);
  });

  it("start anew for a cursor of an earlier proxy", () => {
    const { observations, pass, count } = counting();
    count("v1", 200);
    pass(1_000);
    const batch = observations.batch(12_345);
    assert.equal(batch.rows.length, 1);
    assert.equal(batch.lost, 0);
  });

  it("are marked where the table changed, and only there", () => {
    const { observations, pass, count } = counting();
    count("v1", 200);
    observations.markMixed();
    pass(1_000);
    count("v1", 200);
    pass(1_000);
    assert.deepEqual(
      observations.batch(0).rows.map(({ mixed }) => mixed),
      [true, false],
    );
  });

  it("never count into a second that has been read, though the clock is put back", () => {
    const { observations, pass, count } = counting();
    count("v1", 200);
    pass(1_000);
    assert.equal(observations.batch(0).rows.length, 1);
    pass(-5_000);
    count("v1", 200);
    pass(7_000);
    assert.deepEqual(
      observations.batch(2).rows.map(({ second }) => second - 1_000_000),
      [1],
    );
  });

  it("name the worst few routes, ids taken out", () => {
    const { observations, pass, count } = counting();
    for (let i = 0; i < 10; i += 1) count("v1", 500, 1, `/orders/${i}?x=${i}`);
    for (let i = 0; i < 8; i += 1) count("v1", i === 0 ? 502 : 200, 1, `/other/${i}`);
    for (let i = 0; i < 9; i += 1) count("v1", 200, 1, "/fine");
    for (const name of "abcdef") count("v1", 503, 1, `/${name}`);
    pass(1_000);
    const [row] = observations.batch(0).rows;
    assert.equal(row?.worst.length, 5);
    assert.deepEqual(row?.worst[0], { route: "GET /orders/:id", requests: 10, bad: 10, status: 500 });
    assert.deepEqual(row?.worst[1], { route: "GET /other/:id", requests: 8, bad: 1, status: 502 });
  });
});

describe("what another instance answered in its place", () => {
  it("is a failure without a latency, and no answer of any route", () => {
    const { observations, pass, count } = counting();
    for (const status of [500, 500, PASSED_ON, PASSED_ON, PASSED_ON]) count("v2", status, 42, "/cart");
    pass(1_000);
    const [row] = observations.batch(0).rows;
    assert.deepEqual(row, {
      second: 1_000_000,
      version: "v2",
      requests: 5,
      status: { ok: 0, redirect: 0, client: 0, server: 2, failed: 3 },
      passedOn: 3,
      latency: { [bucketOf(42)]: 2 },
      webSockets: { opened: 0, failed: 0 },
      worst: [{ route: "GET /cart", requests: 2, bad: 2, status: 500 }],
      mixed: false,
    });
  });

  it("is forgotten with its second", () => {
    const { observations, pass, count } = counting();
    count("v2", PASSED_ON);
    pass(1_000);
    count("v2", 200);
    pass(1_000);
    assert.deepEqual(
      observations.batch(0).rows.map(({ passedOn }) => passedOn),
      [1, undefined],
    );
  });
});

it("a route's status is the one that came most often among its failures, whichever came last", () => {
  const { observations, pass, count } = counting();
  for (const status of [500, 200, 503, 500, 500, FAILED]) count("v1", status);
  pass(1_000);
  assert.deepEqual(observations.batch(0).rows[0]?.worst, [{ route: "GET /", requests: 6, bad: 5, status: 500 }]);
});

describe("route keys", () => {
  for (const [target, key] of [
    ["/", "GET /"],
    ["/orders/17", "GET /orders/:id"],
    ["/orders/17/items?page=2", "GET /orders/:id/items"],
    ["/u/3f2504e0-4f89-41d3-9a0c-0305e82c3301", "GET /u/:id"],
    ["/blob/9f86d081884c7d65", "GET /blob/:id"],
    ["/blob/deadbeefdeadbeef", "GET /blob/:id"],
    ["/decade/facade", "GET /decade/facade"],
    ["/v2/status", "GET /v2/status"],
    ["/a/b/c/d/e/f/g/h/i", "GET /a/b/c/d/e/f/g/…"],
  ] as const) {
    it(`${target} is ${key}`, () => assert.equal(routeKey("GET", target), key));
  }
});

describe("patience", () => {
  it("is three seconds, and longer where stable itself takes longer and answers well", () => {
    const patience = new Patience();
    assert.equal(patience.limitFor("GET /poll"), LATE_MS);
    patience.learn("GET /poll", 25_000);
    assert.equal(patience.limitFor("GET /poll"), 50_000);
    patience.learn("GET /poll", 4_000);
    assert.equal(patience.limitFor("GET /poll"), 50_000);
    assert.equal(patience.limitFor("GET /other"), LATE_MS);
    patience.learn("GET /quick", 100);
    assert.equal(patience.limitFor("GET /quick"), LATE_MS);
  });
});

/** Everything that was counted of a version, in seconds that are over and in the open one. */
function counted({ plane }: PlaneUnderTest, version: string) {
  const { open, totals } = plane.observations.tally(version);
  const of = (name: "ok" | "redirect" | "client" | "server" | "failed"): number => open[name] + totals.status[name];
  return { ok: of("ok"), client: of("client"), server: of("server"), failed: of("failed") };
}

const NOTHING = { ok: 0, client: 0, server: 0, failed: 0 };

describe("the data plane counts", () => {
  it("what was answered, by version, with its latency", async () => {
    await using app = await startApp((request, response) => {
      response.statusCode = Number(request.url?.slice(1));
      setTimeout(() => response.end(), 20);
    });
    await using plane = await startPlaneFor(app);
    await Promise.all(["/200", "/404", "/500", "/503"].map((path) => get(plane.port, path)));
    await eventually("all to be counted", () => counted(plane, "v1").server === 2);
    assert.deepEqual(counted(plane, "v1"), { ok: 1, client: 1, server: 2, failed: 0 });
    let rows: readonly SecondRow[] = [];
    await eventually("the second to be over", () => (rows = plane.plane.observations.batch(0).rows).length > 0);
    const buckets = Object.keys(merge(...rows.map(({ latency }) => latency))).map(Number);
    assert.ok(
      buckets.every((bucket) => bucket >= bucketOf(19)),
      `${buckets.join(" ")} < ${bucketOf(19)}`,
    );
  });

  it("failures to connect and spills to stable as the candidate's errors, and still serves", async () => {
    await using stable = await startNamedApp("v1");
    const gone = await startNamedApp("v2");
    await gone.close();
    await using plane = await startPlane({
      stable: backend("v1", endpoint("web-1", stable)),
      candidate: backend("v2", endpoint("web-2", gone)),
      share: 10_000,
    });
    for (let i = 1; i <= 12; i += 1) {
      assert.equal((await get(plane.port)).body, "v1");
      assert.deepEqual(counted(plane, "v2"), { ...NOTHING, failed: i });
    }
    assert.equal(counted(plane, "v1").ok, 12);
    assert.equal(plane.plane.state().endpoints["web-2"]?.ejected, true);
  });

  it("what an ejected candidate was kept from as passed on, its own answers as what they were", async () => {
    await using stable = await startNamedApp("v1");
    await using sick = await startApp((request, response) => {
      request.resume();
      response.statusCode = 500;
      response.end();
    });
    await using plane = await startPlane({
      stable: backend("v1", endpoint("web-1", stable)),
      candidate: backend("v2", endpoint("web-2", sick)),
      share: 10_000,
    });
    await eventually("it to be ejected", async () => {
      await get(plane.port, "/cart");
      return plane.plane.state().endpoints["web-2"]?.ejected === true;
    });
    for (let i = 0; i < 20; i += 1) assert.equal((await get(plane.port, "/else")).body, "v1");
    assert.deepEqual(counted(plane, "v2"), { ...NOTHING, server: 10, failed: 20 });
    const rowsOfIt = (): readonly SecondRow[] =>
      plane.plane.observations.batch(0).rows.filter(({ version }) => version === "v2");
    await eventually(
      "the seconds to be over",
      () => rowsOfIt().reduce((sum, { requests }) => sum + requests, 0) === 30,
    );
    assert.deepEqual(failuresOf(rowsOfIt(), "v2"), { failures: 10, passedOn: 20 });
    assert.deepEqual(routesByExcess(rowsOfIt(), "v2", "v1"), [
      { route: "GET /cart", status: 500, bad: 10, stableBad: 0, excess: 10 },
    ]);
  });

  it("a candidate without any instance as failing", async () => {
    await using stable = await startNamedApp("v1");
    await using plane = await startPlane({
      stable: backend("v1", endpoint("web-1", stable)),
      candidate: backend("v2"),
      share: 10_000,
    });
    assert.equal((await get(plane.port)).body, "v1");
    assert.deepEqual(counted(plane, "v2"), { ...NOTHING, failed: 1 });
  });

  it("a request once that went to another instance of the same version, and its first failure", async () => {
    await using app = await startNamedApp("v1");
    const gone = await startNamedApp("gone");
    await gone.close();
    await using plane = await startPlane({ stable: backend("v1", endpoint("web-1", gone), endpoint("web-2", app)) });
    assert.equal((await get(plane.port)).status, 200);
    assert.equal((await get(plane.port)).status, 200);
    assert.equal(counted(plane, "v1").ok, 2);
    assert.equal(counted(plane, "v1").failed, 1);
  });

  it("an answer that was cut as failed, whatever its status said", async () => {
    await using app = await startRawApp((socket) => {
      socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"));
    });
    await using plane = await startPlaneFor(app);
    await assert.rejects(get(plane.port));
    await eventually("it to be counted", () => counted(plane, "v1").failed === 1);
    assert.deepEqual(counted(plane, "v1"), { ...NOTHING, failed: 1 });
  });

  it("a client that went away before the answer as the client's doing", async () => {
    const responses: ServerResponse[] = [];
    await using app = await startApp((_request, response) => void responses.push(response));
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
    await eventually("the request at the app", () => responses.length === 1);
    client.socket.destroy();
    await eventually("it to be counted", () => counted(plane, "v1").client === 1);
    assert.deepEqual(counted(plane, "v1"), { ...NOTHING, client: 1 });
  });

  it("a request that hangs as failed when it passes its limit, and only then", async () => {
    const responses: ServerResponse[] = [];
    await using app = await startApp((_request, response) => void responses.push(response));
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    const began = performance.now();
    client.send("GET /hangs/1 HTTP/1.1\r\nHost: shop\r\n\r\n");
    await eventually("it to be counted", () => counted(plane, "v1").failed === 1);
    assert.ok(performance.now() - began >= LATE_MS - 1);
    assert.equal(plane.plane.state().inFlight.v1, 1, "it is still in flight");
    responses[0]?.end("late");
    await client.until("late");
    await eventually("nothing in flight", () => plane.plane.state().inFlight.v1 === 0);
    assert.deepEqual(counted(plane, "v1"), { ...NOTHING, failed: 1 }, "counted once");
  });

  it("an event stream when it begins, not when it ends", async () => {
    const responses: ServerResponse[] = [];
    await using app = await startApp((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.flushHeaders();
      responses.push(response);
    });
    await using plane = await startPlaneFor(app);
    using client = await RawClient.to(plane.port);
    client.send("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
    await client.until("text/event-stream");
    assert.deepEqual(counted(plane, "v1"), { ...NOTHING, ok: 1 });
    responses[0]?.end();
    await client.until("0\r\n\r\n");
    await eventually("nothing in flight", () => plane.plane.state().inFlight.v1 === 0);
    assert.deepEqual(counted(plane, "v1"), { ...NOTHING, ok: 1 });
  });

  it("no request of its own probes, and none that it refused itself for what the client sent", async () => {
    await using app = await startNamedApp("v1");
    await using plane = await startPlane({
      stable: backend("v1", endpoint("web-1", app)),
      health: { web: { path: "/health", everyMs: 10, timeoutMs: 1_000, rise: 1, fall: 3 } },
      routes: [{ path: "/app", service: "web" }],
    });
    await eventually("probes", () => app.received().split("GET /health").length > 3);
    await get(plane.port, "/elsewhere");
    assert.deepEqual(counted(plane, "v1"), NOTHING);
  });

  it("for Prometheus too", async () => {
    await using app = await startApp((request, response) => {
      response.statusCode = request.url === "/bad" ? 500 : 200;
      response.end();
    });
    await using plane = await startPlaneFor(app);
    await get(plane.port, "/good");
    await get(plane.port, "/bad");
    let text = "";
    await eventually("the second to be over", () =>
      (text = plane.plane.metrics()).includes('tidegate_requests_total{version="v1",class="server"} 1'),
    );
    assert.ok(text.includes('tidegate_requests_total{version="v1",class="ok"} 1\n'));
    assert.ok(text.includes('tidegate_request_duration_seconds_bucket{version="v1",le="+Inf"} 2\n'));
    assert.ok(text.includes('tidegate_request_duration_seconds_count{version="v1"} 2\n'));
    assert.match(text, /tidegate_endpoint_healthy\{endpoint="web-1"\} [01]\n/);
    for (const line of text.trimEnd().split("\n")) {
      assert.match(line, /^(?:# (?:HELP|TYPE) [a-z_]+ .+|[a-z_]+(?:\{(?:[a-z]+="[^"]*",?)+\})? -?[\d.e+-]+)$/);
    }
  });
});

it("the last request that began on each version is known to the millisecond", async () => {
  await using app = await startNamedApp("v1");
  await using plane = await startPlaneFor(app);
  assert.equal(plane.plane.state().lastRequestAt.v1, null);
  const before = Date.now();
  await get(plane.port);
  const at = plane.plane.state().lastRequestAt.v1 ?? 0;
  assert.ok(at >= before - 1 && at <= Date.now() + 1, `${before} ${at}`);
});
