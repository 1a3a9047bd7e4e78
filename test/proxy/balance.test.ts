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
  type App,
} from "./plane-under-test.ts";

const PROBES = { web: { path: "/health", everyMs: 10, timeoutMs: 500, rise: 2, fall: 2 } };

interface SickApp extends AsyncDisposable {
  readonly app: App;
  status: number;
}

/** Answers every request, its probe too, with a status that can be changed. */
async function startSickApp(name: string): Promise<SickApp> {
  const sick = {
    status: 200,
    app: await startApp((_request, response) => {
      response.statusCode = sick.status;
      response.end(name);
    }),
    [Symbol.asyncDispose]: () => sick.app.close(),
  };
  return sick;
}

async function names(port: number, count: number): Promise<string[]> {
  const all: string[] = [];
  for (let i = 0; i < count; i += 1) all.push((await get(port)).body);
  return all;
}

describe("instances of one version", () => {
  it("take turns while they have equally much to do", async () => {
    await using one = await startNamedApp("one");
    await using two = await startNamedApp("two");
    await using plane = await startPlane({ stable: backend("v1", endpoint("1", one), endpoint("2", two)) });
    const all = await names(plane.port, 20);
    assert.equal(all.filter((name) => name === "one").length, 10);
  });

  it("get the next request when they have the least in flight", async () => {
    const held: ServerResponse[] = [];
    await using busy = await startApp((_request, response) => void held.push(response));
    await using free = await startNamedApp("free");
    await using plane = await startPlane({ stable: backend("v1", endpoint("1", busy), endpoint("2", free)) });
    using client = await RawClient.to(plane.port);
    while (held.length === 0) {
      client.send("GET / HTTP/1.1\r\nHost: shop\r\n\r\n");
      await new Promise(setImmediate);
    }
    assert.deepEqual(new Set(await names(plane.port, 10)), new Set(["free"]));
  });
});

describe("probes", () => {
  it("take an instance out after `fall` bad answers and back after `rise` good ones, with weight or without", async () => {
    await using sick = await startSickApp("sick");
    await using well = await startNamedApp("well");
    await using candidate = await startSickApp("candidate");
    await using plane = await startPlane({
      stable: backend("v1", endpoint("1", sick.app), endpoint("2", well)),
      candidate: backend("v2", endpoint("3", candidate.app)),
      share: 0,
      health: PROBES,
    });
    const healthy = (id: string) => plane.plane.state().endpoints[id]?.healthy;
    await eventually("all to be seen healthy", () => ["1", "2", "3"].every((id) => healthy(id) === true));
    sick.status = 503;
    candidate.status = 302;
    await eventually("the sick one to be out", () => healthy("1") === false);
    await eventually("the candidate to be out: a redirect is no health", () => healthy("3") === false);
    assert.deepEqual(new Set(await names(plane.port, 10)), new Set(["well"]));
    sick.status = 200;
    await eventually("it to be back", () => healthy("1") === true);
    assert.deepEqual(new Set(await names(plane.port, 10)), new Set(["sick", "well"]));
  });

  it("ask by TCP where there is no health route", async () => {
    await using app = await startNamedApp("app");
    const gone = await startNamedApp("gone");
    await gone.close();
    await using plane = await startPlane({ stable: backend("v1", endpoint("1", app), endpoint("2", gone)) });
    await eventually("the living one to be seen", () => plane.plane.state().endpoints["1"]?.healthy === true);
    assert.equal(plane.plane.state().endpoints["2"]?.healthy, false);
  });

  it("never leave stable without an instance: one that looks ill is better than none", async () => {
    await using sick = await startSickApp("sick");
    await using plane = await startPlane({ stable: backend("v1", endpoint("1", sick.app)), health: PROBES });
    sick.status = 500;
    await eventually("it to be seen ill", () => plane.plane.state().endpoints["1"]?.healthy === false);
    assert.equal((await get(plane.port)).body, "sick");
  });

  it("send a candidate's traffic to stable while it has no healthy instance", async () => {
    await using stable = await startNamedApp("stable");
    await using candidate = await startSickApp("candidate");
    await using plane = await startPlane({
      stable: backend("v1", endpoint("1", stable)),
      candidate: backend("v2", endpoint("2", candidate.app)),
      share: 10_000,
      health: PROBES,
    });
    assert.equal((await get(plane.port)).body, "candidate");
    candidate.status = 500;
    await eventually("it to be seen ill", () => plane.plane.state().endpoints["2"]?.healthy === false);
    assert.equal((await get(plane.port)).body, "stable");
  });
});

describe("ejection", () => {
  it("takes an instance out that fails ten times in a row, and lets it come back", async () => {
    await using sick = await startSickApp("sick");
    await using well = await startNamedApp("well");
    await using plane = await startPlane({ stable: backend("v1", endpoint("1", sick.app), endpoint("2", well)) });
    sick.status = 500;
    assert.equal((await names(plane.port, 30)).filter((name) => name === "sick").length, 10);
    assert.equal(plane.plane.state().endpoints["1"]?.ejected, true);
    sick.status = 200;
    await eventually("it to come back", () => plane.plane.state().endpoints["1"]?.ejected === false, 10_000);
    assert.deepEqual(new Set(await names(plane.port, 4)), new Set(["sick", "well"]));
  });

  it("never takes the last instance of stable", async () => {
    await using sick = await startSickApp("sick");
    await using plane = await startPlane({ stable: backend("v1", endpoint("1", sick.app)) });
    sick.status = 500;
    assert.deepEqual(new Set(await names(plane.port, 30)), new Set(["sick"]));
    assert.equal(plane.plane.state().endpoints["1"]?.ejected, false);
  });

  it("is forgotten by a good answer in between", async () => {
    await using sick = await startSickApp("sick");
    await using well = await startNamedApp("well");
    await using plane = await startPlane({ stable: backend("v1", endpoint("1", sick.app), endpoint("2", well)) });
    for (let round = 0; round < 4; round += 1) {
      sick.status = 500;
      await names(plane.port, 18);
      sick.status = 200;
      await names(plane.port, 2);
    }
    assert.equal(plane.plane.state().endpoints["1"]?.ejected, false);
  });
});

it("no request fails while an instance is killed and another takes its place", async () => {
  const first = await startNamedApp("first");
  await using second = await startNamedApp("second");
  await using plane = await startPlane({ stable: backend("v1", endpoint("1", first), endpoint("2", second)) });
  const over = new AbortController();
  const statuses = new Map<number, number>();
  const load = Array.from({ length: 4 }, async () => {
    while (!over.signal.aborted) {
      const { status } = await get(plane.port);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  });
  await eventually("some load", () => (statuses.get(200) ?? 0) > 50);
  await plane.put({ stable: backend("v1", endpoint("1", first, { draining: true }), endpoint("2", second)) });
  await plane.plane.drain("1", 5_000);
  await first.close();
  await plane.put({ stable: backend("v1", endpoint("2", second)) });
  const before = statuses.get(200) ?? 0;
  await eventually("more load", () => (statuses.get(200) ?? 0) > before + 50);
  over.abort();
  await Promise.all(load);
  assert.deepEqual([...statuses.keys()], [200]);
});

describe("an instance that has just died", () => {
  it("costs no request with a body that goes on to another one: all of the body comes there", async () => {
    await using echo = await startApp((request, response) => void request.pipe(response));
    const dead = await startNamedApp("dead");
    await dead.close();
    // Before each a fresh plane, so that neither has a connection yet.
    for (let round = 0; round < 10; round += 1) {
      await using plane = await startPlane({ stable: backend("v1", endpoint("1", dead), endpoint("2", echo)) });
      const answers = await Promise.all(
        Array.from({ length: 4 }, async (_, n) => {
          const body = `${n}`.repeat(1 + n * 30_000);
          const answer = await fetch(`http://127.0.0.1:${plane.port}/`, {
            method: "POST",
            body,
            signal: AbortSignal.timeout(20_000),
          });
          return answer.status === 200 && (await answer.text()) === body;
        }),
      );
      assert.deepEqual(answers, [true, true, true, true]);
    }
  });

  it("sends nobody into a refusal while one that was set aside answers again", async () => {
    await using sick = await startSickApp("sick");
    const well = await startNamedApp("well");
    await using plane = await startPlane({ stable: backend("v1", endpoint("1", sick.app), endpoint("2", well)) });
    sick.status = 500;
    await names(plane.port, 30);
    assert.equal(plane.plane.state().endpoints["1"]?.ejected, true);
    sick.status = 200;
    await well.close();
    assert.deepEqual(new Set(await names(plane.port, 4)), new Set(["sick"]));
  });
});
