import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { RawClient } from "../proxy/plane-under-test.ts";
import { type HaproxyUnderTest, haproxyUnderTest } from "../support/haproxy.ts";
import { type App, createApp } from "../e2e/support/app.ts";
import { assertReplayEquals } from "../e2e/support/journal.ts";
import { faultOf, lastStatus, releaseWell, untilShare } from "../e2e/support/release.ts";
import { SERVER_SOURCE } from "../e2e/support/server-source.ts";
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
  - retire
`;

/** Takes WebSockets, or what looks like them to who only passes them on, and says what it hears. */
const ECHO = `
server.on("upgrade", (_request, socket) => {
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\nx-app: " + behaviour.name +
    "\\r\\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n\\r\\n");
  socket.on("data", (heard) => socket.write(heard)).on("error", () => undefined);
});
`;

before(async () => {
  app = opened.use(await createApp());
  haproxy = opened.use(await haproxyUnderTest());
  app.plan(planText(haproxy));
  haproxy.configureBare();
  await haproxy.start();
  app.write("server.js", `${SERVER_SOURCE}\n${ECHO}`);
  app.version({ name: "v0" });
});

describe("the configuration of an HAProxy that Tidegate did not write", () => {
  const tidegate = async (...args: readonly string[]) => await app.tidegate(["haproxy", ...args]);

  it("is refused as it is by a release, which changes nothing", async () => {
    const refused = await app.tidegate(["release", "--yes", "--json"]);
    assert.equal(refused.code, 3, refused.stdout + refused.stderr);
    assert.equal(faultOf(refused).code, "haproxy-fragment-missing");
    const plan = await app.tidegate(["plan"]);
    assert.equal(plan.code, 0, plan.stdout + plan.stderr);
    assert.match(
      plan.stdout.replaceAll(/\s+/g, " "),
      /In the way of a release: .* lacks Tidegate's part .* tidegate haproxy diff/,
    );
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

  it("keeps a WebSocket through the shift, and cuts it at the end of the drain, which is told", async () => {
    using socket = await RawClient.to(haproxy.port);
    socket.send(
      "GET /ws HTTP/1.1\r\nHost: shop\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    );
    await socket.until("x-app: v1");
    app.version({ name: "v2" });
    const engine = app.start(["release", "--yes", "--json"]);
    await untilShare(engine, 100);
    socket.send("still there?");
    await socket.until("still there?");
    const ended = await engine.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    await socket.closed();
    assert.match(ended.stdout, /"key":"[^"]*stop-standby[^\n]*"cutAtDeadline":1/);
  });

  const changeByHand = async (share: number): Promise<void> => {
    const map = `${haproxy.haproxy.files}/shop.production.map`;
    const line = /^\S+ (route .*)$/m.exec(await haproxy.command(`show map ${map}`))?.[1] ?? "";
    await haproxy.command(`set map ${map} ${line.replace("|2500|", `|${share}|`)}`);
  };

  it("has a share put right that somebody changed by hand, and tells it", async () => {
    app.version({ name: "v3" });
    const engine = app.start(["release", "--yes", "--json"]);
    await untilShare(engine, 25);
    await changeByHand(4_000);
    const { sentence } = await engine.says("it drifted", ({ type }) => type === "share-drifted");
    assert.match(String(sentence), /40% of the traffic instead of 25%: something else changed it\. Put right\./);
    const ended = await engine.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  });

  it("has it left where the plan says so, until a person decides", async () => {
    app.plan(planText(haproxy).replace("traffic: {", "traffic: { drift: leave,"));
    app.version({ name: "v4" });
    const engine = app.start(["release", "--yes", "--json"]);
    await untilShare(engine, 25);
    await changeByHand(4_000);
    const held = await engine.says("it holds", ({ type }) => type === "held");
    assert.match(JSON.stringify(held), /40% .* the plan says to leave that/);
    const retried = await app.tidegate(["retry", "--yes", "--json"]);
    assert.equal(retried.code, 0, retried.stdout + retried.stderr);
    const ended = await engine.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    app.plan(planText(haproxy));
    await people.seen("v4", 20);
  });

  it("has a bad version put back, and tells what failed", async () => {
    app.version({ name: "bad", fails: 0.5 });
    const ended = await app.tidegate(["release", "--yes", "--json"]);
    assert.equal(ended.code, 10, ended.stdout + ended.stderr);
    assert.match(lastStatus(ended).sentence, /errors \d+/);
    await people.seen("v4", 20);
  });

  it("is put back by `rollback --now` when the engine is dead", async () => {
    app.version({ name: "v5" });
    const engine = app.start(["release", "--yes", "--json"]);
    await untilShare(engine, 25);
    engine.kill("SIGKILL");
    await engine.ended;
    const back = await app.tidegate(["rollback", "--now", "--yes", "--json"]);
    assert.equal(back.code, 10, back.stdout + back.stderr);
    // What had begun on it before may end on it.
    await people.answered();
    const fresh = people.since();
    await people.sample(50);
    assert.equal(fresh().by["v5"] ?? 0, 0);
    const attached = await app.tidegate(["attach", "--json"]);
    assert.equal(attached.code, 10, attached.stdout + attached.stderr);
  });

  it("has dropped no request in all that", async () => {
    await people.leave();
    assert.deepEqual(people.visits.failures, []);
  });

  it("goes its own way again after `tidegate down`, which leaves it running and says so", async () => {
    const down = await app.tidegate(["down", "--yes"]);
    assert.equal(down.code, 0, down.stdout + down.stderr);
    assert.match(down.stdout, /^Stopped \d+ instances? and the keeper\. HAProxy at \S+ runs on, /);
    assert.equal(await (await fetch(haproxy.url)).text(), "before");
    await app.end();
  });
});
