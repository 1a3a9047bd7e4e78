import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import { type App, createApp } from "./support/app.ts";
import type { Command } from "./support/command.ts";
import { assertReplayEquals, ofType } from "./support/journal.ts";
import { lastStatus, releaseWell, untilShare } from "./support/release.ts";
import { visit, type Visitors } from "./support/visitors.ts";

let app: App;
const people: Visitors[] = [];
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  app.plan(`
app: shop
services:
  web:
    run: node server.js
    route: /
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
  api:
    run: node server.js
    replicas: 2
    route: [api.example.com/, /api]
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
    env: { SERVICE: api }
  worker:
    run: node worker.js
    env: { WORK_LOG: "../../work.txt" }
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off, restarts: off }
steps:
  - start
  - smoke:
      the web through the front door:
        - { get: /, expect: { headers: { x-service: web } } }
      the api by its host name:
        service: api
        steps: [{ get: /orders, expect: { headers: { x-service: api } } }]
  - shift: 50%
    for: 10m
  - shift: 100%
    for: 300ms
  - approve: anyone
    name: day-1
    after: 24h
`);
  app.version({ name: "v0" });
  await releaseWell(app);
  people.push(
    opened.use(visit(app.port, { people: 3 })),
    opened.use(visit(app.port, { people: 2, path: "/api/cart" })),
  );
});

describe("routes by host and by path", () => {
  const service = async (host: string, path: string): Promise<string> => (await get(host, path)).service;

  it("lead to the service whose host or longest path fits", async () => {
    assert.deepEqual(
      await Promise.all([
        service("shop.example.com", "/"),
        service("shop.example.com", "/api"),
        service("shop.example.com", "/api/orders/1?x=1"),
        service("shop.example.com", "/apix"),
        service("api.example.com", "/"),
        service("API.example.com:443", "/anything"),
      ]),
      ["web", "api", "api", "web", "api", "api"],
    );
  });
});

describe("a release of several services", () => {
  let engine: Command;

  it("gives a visitor one version in all of them, while the worker of stable still works alone", async () => {
    app.version({ name: "v1" });
    engine = app.start(["release", "--json"]);
    await untilShare(engine, 50);
    const visitors = await Promise.all(Array.from({ length: 20 }, () => get("shop.example.com", "/")));
    for (const { cookie, version } of visitors) {
      assert.ok(cookie !== undefined, "a new visitor gets a cookie");
      const elsewhere = [get("shop.example.com", "/api/cart", cookie), get("api.example.com", "/", cookie)];
      assert.deepEqual(
        (await Promise.all(elsewhere)).map((answer) => answer.version),
        [version, version],
      );
    }
    assert.deepEqual([...new Set(visitors.map(({ version }) => version))].toSorted(), ["v0", "v1"]);
    assert.deepEqual(work(), ["v0 begins"]);
    const { instances } = await app.keeper();
    assert.deepEqual(
      instances
        .filter(({ state }) => state === "running")
        .map(({ spec }) => spec.id.replace(/-\w+$/, ""))
        .toSorted(),
      ["api-blue-0", "api-blue-1", "api-green-0", "api-green-1", "web-blue-0", "web-green-0", "worker-blue-0"],
    );
  });

  it("switches the worker at 100%: the new one begins, then the old one ends", async () => {
    assert.equal((await app.tidegate(["promote", "--yes"])).code, 0);
    const ended = await engine.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.equal(lastStatus(ended).state, "live");
    assert.deepEqual(work(), ["v0 begins", "v1 begins", "v0 ends"]);
    for (const each of people) await each.seen("v1", 10);
  });

  it("takes the worker back at a rollback before the candidate's stops, and traffic first", async () => {
    const undone = await app.tidegate(["rollback", "--yes", "--json"]);
    assert.equal(undone.code, 0, undone.stdout + undone.stderr);
    assert.deepEqual(work(), ["v0 begins", "v1 begins", "v0 ends", "v0 begins", "v1 ends"]);
    const events = await assertReplayEquals(app, lastStatus(undone));
    const undo = ofType(events, "effect-confirmed").map(({ key }) => key.split("/"));
    assert.deepEqual(
      undo.filter(([, within]) => within === "undo").map(([, , , name]) => name),
      ["share-to-stable", "start-stable-workers", "gather-evidence", "stop-candidate", "settle-stable"],
    );
    for (const each of people) await each.seen("v0", 10);
    const { instances } = await app.keeper();
    assert.deepEqual(
      instances
        .filter(({ state }) => state === "running")
        .map(({ spec }) => spec.id.replace(/-\w+$/, ""))
        .toSorted(),
      ["api-blue-0", "api-blue-1", "web-blue-0", "worker-blue-0"],
    );
  });

  it("never moves the worker where it is rolled back before 100%", async () => {
    app.version({ name: "v2" });
    engine = app.start(["release", "--json"]);
    await untilShare(engine, 50);
    assert.equal((await app.tidegate(["rollback", "--yes"])).code, 0);
    assert.equal((await engine.ended).code, 10);
    assert.deepEqual(work().slice(3), ["v0 begins", "v1 ends"]);
  });
});

it("nobody's request failed in all of this, and nothing is left behind", async () => {
  for (const each of people) {
    await each.leave();
    assert.deepEqual(each.visits.failures, []);
  }
  await app.down();
});

function work(): readonly string[] {
  return readFileSync(app.file(".tidegate", "work.txt"), "utf8").split("\n").filter(Boolean);
}

interface Answer {
  readonly service: string;
  readonly version: string;
  readonly cookie: string | undefined;
}

function get(host: string, path: string, cookie?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { host, ...(cookie === undefined ? {} : { cookie }) };
    const outgoing = request({ host: "127.0.0.1", port: app.port, path, headers, agent: false }, (answer) => {
      answer.resume();
      answer.once("end", () =>
        resolve({
          service: String(answer.headers["x-service"]),
          version: String(answer.headers["x-app"]),
          cookie: answer.headers["set-cookie"]?.[0]?.split(";")[0] ?? cookie,
        }),
      );
    });
    outgoing.once("error", reject);
    outgoing.end();
  });
}
