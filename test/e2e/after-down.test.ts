import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { type App, createApp } from "./support/app.ts";
import { releaseWell } from "./support/release.ts";

let app: App;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  app.plan(`
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 500ms, timeout: 500ms, rise: 1 }
    drain: 1s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off, restarts: off }
steps: [start, { shift: 100%, for: 1s }, retire]
`);
  app.version({ name: "v1" });
  await releaseWell(app);
});

async function down(): Promise<void> {
  assert.equal((await app.tidegate(["down", "--yes"])).code, 0);
  assert.deepEqual(app.processes(), []);
}

it("where nothing runs, a rollback to nothing is refused before anybody is asked, and starts nothing", async () => {
  await down();
  const { code, stderr } = await app.tidegate(["rollback"]);
  assert.equal(code, 3);
  assert.match(
    stderr,
    /^Nothing of shop runs here, so there is nothing to roll back\.\n {2}fix {4}.*tidegate release [0-9a-f]{7}$/m,
  );
  assert.deepEqual(app.processes(), []);
});

it("nor does rollback --now say that the table on the disk serves anybody: it tells what starts it again", async () => {
  const { code, stderr } = await app.tidegate(["rollback", "--now"]);
  assert.equal(code, 12, stderr);
  assert.match(
    stderr,
    /^No data plane runs here, so nobody is served\. .* has [0-9a-f]{7} alone, so there is nothing to/,
  );
  assert.match(stderr, /^ {2}fix {4}.*tidegate release [0-9a-f]{7}$/m);
  assert.doesNotMatch(stderr, /All traffic is on/);
  assert.deepEqual(app.processes(), []);
});

it("the version that served is started again by its name", async () => {
  const again = await releaseWell(app);
  assert.equal(again.stable, null, "nothing served meanwhile");
});

it("a previous version that was retired is started by a rollback, whether the newer one runs or not", async () => {
  app.version({ name: "v2" });
  await releaseWell(app);
  await down();
  const { code, stdout, stderr } = await app.tidegate(["rollback", "--yes"]);
  assert.equal(code, 0, stdout + stderr);
  assert.equal((await fetch(`http://127.0.0.1:${app.port}/`)).headers.get("x-app"), "v1");
  await app.down();
});
