import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type App, createApp } from "./support/app.ts";
import { lastStatus, releaseWell } from "./support/release.ts";

const PLAN = `
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 500ms, timeout: 500ms, fall: 2 }
    drain: 1s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { p95: off }
probes: { smoke: [GET /], every: 1s }
steps:
  - shift: 5%
    for: 9s
  - shift: 100%
    for: 9s
`;

let app: App;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  app.plan(PLAN);
  app.version({ name: "v0" });
  await releaseWell(app);
});

describe("a service that nobody visits", () => {
  it("has a version that fails put back by its probes", async () => {
    app.version({ name: "bad", fails: 1 });
    const ended = await app.tidegate(["release", "--json"]);
    assert.equal(ended.code, 10, ended.stdout + ended.stderr);
    await app.down();
    assert.match(lastStatus(ended).sentence, /of \d+ probes \d+ failed on the candidate alone, 0 on stable alone/);
  });
});
