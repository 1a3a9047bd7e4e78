import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { freePort } from "../../src/adapters/runtime/free-port.ts";
import { type App, createApp } from "./support/app.ts";
import { releaseWell, untilShare } from "./support/release.ts";
import { visit, type Visitors } from "./support/visitors.ts";

let app: App;
let people: Visitors;
let other: number;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  other = await freePort(new Set([app.port]));
  plan("{ embedded: ${PORT_OF_FRONT_DOOR} }", "  - retire\n");
  app.version({ name: "v0" });
  await releaseWell(app);
  people = opened.use(visit(app.port));
});

it("a plan that listens elsewhere closes no door while it may be put back, and a rollback leaves stable's alone", async () => {
  plan(`{ embedded: ${other}, sticky: none, timeouts: { connect: 1s } }`, "  - retire\n", "    for: 10m\n");
  app.version({ name: "v1" });
  const engine = app.start(["release", "--json"]);
  await untilShare(engine, 50);
  assert.deepEqual(new Set(await listening()), new Set([app.port, other]));
  assert.equal((await app.plane()).table?.sticky.kind, "none");

  assert.equal((await app.tidegate(["rollback", "--yes"])).code, 0);
  assert.equal((await engine.ended).code, 10);
  const { table } = await app.plane();
  assert.equal(table?.sticky.kind, "cookie", "stable is served as its own plan says");
  assert.deepEqual(await listening(), [app.port]);
  const { proxy } = await app.keeper();
  assert.equal(proxy?.spec.timeouts.connectMs, 2_000);
  await people.seen("v0", 10);
  assert.deepEqual(people.visits.failures, []);
});

it("it is closed with the standby, when there is no way back to it any more at once", async () => {
  await people.leave();
  plan(`{ embedded: ${other} }`, "  - retire\n");
  app.version({ name: "v2" });
  await releaseWell(app);
  assert.deepEqual(await listening(), [other]);
  assert.equal(await (await fetch(`http://127.0.0.1:${other}/`)).text(), "v2 /\n");
  await app.down();
});

async function listening(): Promise<readonly number[]> {
  return (await app.plane()).listening.map(({ port }) => port);
}

function plan(traffic: string, end: string, hold = "    for: 300ms\n"): void {
  app.plan(`
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 1s
traffic: ${traffic}
guards: { errors: off, p95: off, restarts: off }
steps:
  - shift: 50%
${hold}  - shift: 100%
    for: 300ms
${end}`);
}
