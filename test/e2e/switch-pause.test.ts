import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, it } from "node:test";
import { until } from "../support/until.ts";
import { type App, createApp } from "./support/app.ts";
import { untilShare } from "./support/release.ts";
import { visit, type Visitors } from "./support/visitors.ts";

let app: App;
let people: Visitors;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  app.plan(`
app: shop
services:
  web:
    run: node server.js
    env: { SERVE_LOG: ${app.file("serving.txt")} }
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 2s
traffic: { embedded: \${PORT_OF_FRONT_DOOR}, pause: 10s }
guards: { errors: off, p95: off, restarts: off }
steps:
  - shift: 100%
    for: 300ms
  - approve: anyone
    name: keep-it
  - retire
`);
  app.version({ name: "v0" });
  const first = await app.tidegate(["release", "--yes", "--json"]);
  assert.ok([0, 11].includes(first.code ?? -1), first.stdout + first.stderr);
  people = opened.use(visit(app.port, { people: 6 }));
});

it("a release with a pause never lets two versions serve at once, and fails nobody", async () => {
  await people.seen("v0", 20);
  const visits = people.since();
  app.version({ name: "v1" });
  const release = app.start(["release", "--yes", "--json", "--supersede"]);
  await untilShare(release, 100);
  await people.seen("v1", 20);
  assert.deepEqual(visits().failures, []);
  assert.deepEqual(servedAtOnce(), []);
});

it("nor does the way back", async () => {
  const visits = people.since();
  const back = await app.tidegate(["rollback", "--yes", "--json"]);
  assert.ok([0, 10].includes(back.code ?? -1), back.stdout + back.stderr);
  await until("it is back", async () => (await app.status()).state === "rolled-back", 40_000);
  await people.seen("v0", 20);
  assert.deepEqual(visits().failures, []);
  assert.deepEqual(servedAtOnce(), []);
  await people.leave();
  await app.down();
});

/** Moments, by the app's own log, at which two versions had a request. */
function servedAtOnce(): readonly string[] {
  const now = new Map<string, number>();
  return readFileSync(app.file("serving.txt"), "utf8")
    .split("\n")
    .flatMap((line, index) => {
      const [version = "", what] = line.split(" ");
      if (version === "") return [];
      now.set(version, (now.get(version) ?? 0) + (what === "begins" ? 1 : -1));
      const serving = [...now].filter(([, count]) => count > 0);
      return serving.length > 1
        ? [`line ${index + 1}: ${serving.map(([name, count]) => `${name} ${count}`).join(", ")}`]
        : [];
    });
}
