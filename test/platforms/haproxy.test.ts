import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { type HaproxyUnderTest, haproxyUnderTest } from "../support/haproxy.ts";
import { type App, createApp } from "../e2e/support/app.ts";
import { assertReplayEquals } from "../e2e/support/journal.ts";
import { faultOf, lastStatus, releaseWell, untilShare } from "../e2e/support/release.ts";
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
  haproxy.configureBare();
  await haproxy.start();
  app.version({ name: "v0" });
});

describe("the configuration of an HAProxy that Tidegate did not write", () => {
  const tidegate = async (...args: readonly string[]) => await app.tidegate(["haproxy", ...args]);

  it("is refused as it is by a release, which changes nothing", async () => {
    const refused = await app.tidegate(["release", "--yes", "--json"]);
    assert.equal(refused.code, 3, refused.stdout + refused.stderr);
    assert.equal(faultOf(refused).code, "haproxy-fragment-missing");
    assert.equal((await tidegate("check")).code, 3);
    assert.match((await app.tidegate(["doctor"])).stdout, /lacks\s+Tidegate's part/);
  });

  it("gets Tidegate's part after it was shown, checked by HAProxy itself", async () => {
    const before = readFileSync(haproxy.configuration, "utf8");
    const shown = await tidegate("diff", haproxy.configuration);
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, /^\+ +use_backend %\[str\(tidegate\.shop\.production\.[^]*HAProxy finds it valid\.$/m);
    assert.equal((await tidegate("apply", haproxy.configuration)).code, 3, "nobody can be asked");
    assert.equal(readFileSync(haproxy.configuration, "utf8"), before);

    assert.equal((await tidegate("apply", haproxy.configuration, "--yes")).code, 0);
    assert.equal(readFileSync(`${haproxy.configuration}.before-tidegate`, "utf8"), before);
    await haproxy.start();
    const checked = await tidegate("check");
    assert.equal(checked.code, 0, checked.stdout);
    assert.match((await tidegate("diff", haproxy.configuration)).stdout, /has Tidegate's part already/);
  });

  it("is not written where HAProxy would refuse it", async () => {
    writeFileSync(app.file("broken.cfg"), "frontend www\n  bind nowhere\n");
    const refused = await tidegate("apply", "broken.cfg", "--yes", "--json");
    assert.equal(faultOf(refused).code, "haproxy-configuration-refused");
    assert.equal(readFileSync(app.file("broken.cfg"), "utf8"), "frontend www\n  bind nowhere\n");
  });
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
