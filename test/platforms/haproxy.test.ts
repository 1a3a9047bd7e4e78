import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { load } from "../config/loading.ts";
import { type HaproxyUnderTest, haproxyUnderTest } from "../support/haproxy.ts";
import { type App, createApp } from "../e2e/support/app.ts";
import { assertReplayEquals } from "../e2e/support/journal.ts";
import { lastStatus, releaseWell, untilShare } from "../e2e/support/release.ts";
import { visit, type Visitors } from "../e2e/support/visitors.ts";

let app: App;
let haproxy: HaproxyUnderTest;
let people: Visitors;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

const planText = ({ address, haproxy: { files } }: HaproxyUnderTest): string => `
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 500ms, timeout: 500ms, fall: 2 }
    drain: 1s
traffic: { haproxy: { socket: ${address.path}, files: ${files} } }
guards: { errors: { rollback: "> 5%", window: 10s, minRequests: 20, breaches: 1 }, p95: off, restarts: off }
steps:
  - shift: 25%
    for: 2s
  - shift: 100%
    for: 1s
`;

before(async () => {
  app = opened.use(await createApp());
  haproxy = opened.use(await haproxyUnderTest());
  app.plan(planText(haproxy));
  haproxy.configure((await load(planText(haproxy))).plan);
  await haproxy.start();
  app.version({ name: "v0" });
});

describe("an HAProxy that runs already, with plain processes behind it", () => {
  it("goes on as before until the first version is released through it", async () => {
    assert.equal(await (await fetch(haproxy.url)).text(), "before");
    assert.equal((await releaseWell(app)).state, "closed");
    people = opened.use(visit(haproxy.port));
    await people.seen("v0", 20);
  });

  it("has a good version judged and promoted", async () => {
    app.version({ name: "v1" });
    const status = await releaseWell(app);
    assert.equal(status.state, "closed");
    await people.seen("v1", 20);
    await assertReplayEquals(app, status);
  });

  it("has a bad version put back, and tells what failed", async () => {
    app.version({ name: "bad", fails: 0.5 });
    const ended = await app.tidegate(["release", "--yes", "--json"]);
    assert.equal(ended.code, 10, ended.stdout + ended.stderr);
    assert.match(lastStatus(ended).sentence, /errors \d+/);
    await people.seen("v1", 20);
  });

  it("is put back by `rollback --now` when the engine is dead", async () => {
    app.version({ name: "v2" });
    const engine = app.start(["release", "--yes", "--json"]);
    await untilShare(engine, 25);
    engine.kill("SIGKILL");
    await engine.ended;
    const back = await app.tidegate(["rollback", "--now", "--yes", "--json"]);
    assert.equal(back.code, 10, back.stdout + back.stderr);
    const fresh = people.since();
    await people.sample(50);
    assert.equal(fresh().by["v2"] ?? 0, 0);
    const attached = await app.tidegate(["attach", "--json"]);
    assert.equal(attached.code, 10, attached.stdout + attached.stderr);
  });

  it("has dropped no request in all that", async () => {
    await people.leave();
    assert.deepEqual(people.visits.failures, []);
    await app.down();
  });
});
