import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { SecondRow } from "../../src/core/observation.ts";
import { usualCounting } from "../support/counting.ts";
import type { RoutingTable } from "../../src/core/traffic/routing.ts";
import { callControl } from "../../src/local/control-socket.ts";
import type { ProxyObservations } from "../../src/proxy/protocol.ts";
import { startBareKeeper } from "./bare-keeper.ts";
import { backend, endpoint, eventually, exchangeRaw, get, startApp, startPlane } from "./plane-under-test.ts";

const COUNTING = { release: 7, counting: usualCounting(7) };

/** Rows summed up, both versions together. */
function sumOf(rows: readonly SecondRow[]) {
  const of = (figure: (row: SecondRow) => number | undefined): number =>
    rows.reduce((sum, row) => sum + (figure(row) ?? 0), 0);
  return {
    requests: of(({ requests }) => requests),
    counted: of(({ counted }) => counted?.errors?.requests),
    bad: of(({ counted }) => counted?.errors?.bad),
    newlyBad: of(({ counted }) => counted?.errors?.newlyBad),
    newVisitors: of(({ newVisitors }) => newVisitors),
  };
}

/** An app that fails for whoever asks for /bad, and a plane that gives half of its visitors to its next version. */
async function startCounted(changes: Partial<RoutingTable> = {}) {
  const app = await startApp((request, response) => {
    request.resume();
    response.statusCode = request.url === "/bad" ? 500 : 200;
    response.end(String(request.headers["x-tidegate-cohort"]));
  });
  const plane = await startPlane({
    ...COUNTING,
    stable: backend("v1", endpoint("web-blue-1", app)),
    candidate: backend("v2", endpoint("web-green-1", app)),
    share: 5_000,
    ...changes,
  });
  return {
    port: plane.port,
    /** What was counted, when the rows tell of so many requests. */
    async after(requests: number) {
      let sum = sumOf([]);
      await eventually(`${requests} requests in rows`, () => {
        sum = sumOf(plane.plane.observations.batch(0).rows);
        return sum.requests >= requests;
      });
      return sum;
    },
    async [Symbol.asyncDispose]() {
      await plane[Symbol.asyncDispose]();
      await app.close();
    },
  };
}

describe("a visitor is", () => {
  it("whoever has the cookie, though all come from one address", async () => {
    await using counted = await startCounted();
    for (let i = 0; i < 12; i += 1) {
      await get(counted.port, "/bad", { cookie: `tidegate=visitor-number-${i % 3}-of-this-test` });
    }
    assert.deepEqual(await counted.after(12), { requests: 12, counted: 3, bad: 3, newlyBad: 3, newVisitors: 3 });
  });

  it("whoever has the header that the plan names, and by cookie without it", async () => {
    await using counted = await startCounted({
      sticky: { kind: "header", name: "authorization", cookie: "tidegate" },
    });
    for (const authorization of ["one", "two", "one"]) await get(counted.port, "/bad", { authorization });
    const cookie = "tidegate=visitor-number-1-of-this-test";
    await get(counted.port, "/bad", { authorization: "one", cookie });
    await get(counted.port, "/bad", { cookie });
    assert.deepEqual(await counted.after(5), { requests: 5, counted: 3, bad: 3, newlyBad: 3, newVisitors: 3 });
  });

  it("each request where there is neither: a side is drawn for it alone", async () => {
    await using counted = await startCounted();
    for (let i = 0; i < 6; i += 1) await get(counted.port, "/bad");
    assert.deepEqual(await counted.after(6), { requests: 6, counted: 6, bad: 6, newlyBad: 6, newVisitors: 6 });
  });

  it("each request, whatever cookie it has, where nobody stays on a side", async () => {
    await using counted = await startCounted({ sticky: { kind: "none" } });
    for (let i = 0; i < 6; i += 1)
      await get(counted.port, "/bad", { cookie: "tidegate=visitor-number-1-of-this-test" });
    assert.equal((await counted.after(6)).bad, 6);
  });

  it("the cohort that a request was made for by another service", async () => {
    await using counted = await startCounted();
    const passedOn: string[] = [];
    for (let i = 0; i < 2; i += 1) {
      passedOn.push((await get(counted.port, "/", { cookie: `tidegate=visitor-number-${i}-of-this-test` })).body);
    }
    assert.notEqual(passedOn[0], passedOn[1]);
    for (let i = 0; i < 6; i += 1) await get(counted.port, "/bad", { "x-tidegate-cohort": passedOn[i % 2] ?? "" });
    assert.deepEqual((await counted.after(8)).bad, 2);
  });
});

describe("counted by visitors", () => {
  it("is no request that is no evidence, and no tunnel", async () => {
    await using counted = await startCounted();
    await get(counted.port, "/bad", { "x-tidegate-version": "v2", "x-tidegate-token": "engine-token" });
    await exchangeRaw(
      counted.port,
      "GET /bad HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: tidegate=visitor-number-1-of-this-test\r\n\r\n",
    );
    await get(counted.port, "/", { cookie: "tidegate=visitor-number-1-of-this-test" });
    assert.deepEqual(await counted.after(2), { requests: 2, counted: 1, bad: 0, newlyBad: 0, newVisitors: 1 });
  });

  it("are requests of a route alone where a counter says so", async () => {
    const only = { path: "/bad", header: { name: "X-Plan", value: "gold" } };
    const counter = { id: "errors", bad: { kind: "failed" }, only } as const;
    await using counted = await startCounted({ counting: { ...COUNTING.counting, counters: [counter] } });
    const cookie = "tidegate=visitor-number-1-of-this-test";
    await get(counted.port, "/bad", { cookie });
    await get(counted.port, "/", { cookie, "x-plan": "gold" });
    await get(counted.port, "/bad", { cookie, "x-plan": "gold" });
    assert.deepEqual(await counted.after(3), { requests: 3, counted: 1, bad: 1, newlyBad: 1, newVisitors: 1 });
  });
});

it("a visitor who always fails is one failure, in a real process, and one more in the process that takes over", async () => {
  const failing = "visitor-number-0-of-this-test";
  await using app = await startApp((request, response) => {
    response.statusCode = request.headers.cookie?.includes(failing) === true ? 500 : 200;
    response.end();
  });
  await using keeper = startBareKeeper();
  const read = async (): Promise<readonly SecondRow[]> => {
    const { rows, earlier = [] } = await callControl<ProxyObservations>(
      join(keeper.folder, "proxy.sock"),
      "/observations?since=0",
    );
    return [...earlier.flatMap((batch) => batch.rows), ...rows];
  };
  const visit = async (): Promise<void> => {
    for (let i = 0; i < 60; i += 1) {
      await get(keeper.port, "/", { cookie: `tidegate=visitor-number-${i % 12}-of-this-test` });
    }
  };
  const after = async (requests: number) => {
    let sum = sumOf([]);
    await eventually(
      `${requests} requests in rows`,
      async () => (sum = sumOf(await read())).requests >= requests,
      20_000,
    );
    return sum;
  };
  await keeper.start();
  await keeper.put({
    ...COUNTING,
    stable: backend("v1", endpoint("web-blue-1", app)),
    candidate: backend("v2", endpoint("web-green-1", app)),
    share: 5_000,
  });
  await visit();
  const first = { requests: 60, counted: 56, bad: 1, newlyBad: 1, newVisitors: 12 };
  assert.deepEqual(await after(60), first);
  await keeper.start();
  await visit();
  assert.deepEqual(await after(120), { requests: 120, counted: 112, bad: 2, newlyBad: 2, newVisitors: 24 });
});
