import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { type App, createApp } from "./support/app.ts";
import { lastStatus, releaseWell } from "./support/release.ts";
import { visit, type Visitors } from "./support/visitors.ts";

const QUICK = "window: 10s, minRequests: 10, breaches: 1";

let app: App;
let people: Visitors;
let buyers: Visitors;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  app.plan(`
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards:
  p95: off
  errors:
    rollback: '> 40%'
    ${QUICK.replaceAll(", ", "\n    ")}
    features:
      checkout: { only: { route: /checkout, method: get }, rollback: '> 10%', ${QUICK} }
      search: { only: { route: /search }, rollback: '> 10%', ${QUICK}, dryRun: true }
steps:
  - start
  - shift: 50%
    for: 4s
  - shift: 100%
    for: 300ms
`);
  app.version({ name: "stable" });
  await releaseWell(app);
  people = opened.use(visit(app.port));
  buyers = opened.use(visit(app.port, { people: 1, path: "/checkout/pay" }));
});

it("a feature that breaks is put back, though among all requests it would be lost", async () => {
  app.version({ name: "no-money", fails: 1, failsAt: "/checkout/pay" });
  const ended = await app.tidegate(["release", "--json"]);
  assert.equal(ended.code, 10, ended.stdout + ended.stderr);
  const { rollback, verdicts } = lastStatus(ended);
  assert.match(rollback?.sentence ?? "", /^errors of checkout 100% \((\d+)\/\1\) against 0% \(0\/\d+\), limit 10%$/);
  const [all, checkout] = verdicts;
  assert.deepEqual([all?.metric, all?.feature], ["errors", undefined]);
  assert.notEqual(all?.verdict, "fail", all?.sentence);
  assert.deepEqual([checkout?.metric, checkout?.feature, checkout?.verdict], ["errors", "checkout", "fail"]);
});

it("nobody's request failed but by the app, and nothing is left behind", async () => {
  await people.leave();
  await buyers.leave();
  assert.deepEqual([...people.visits.failures, ...buyers.visits.failures], []);
  assert.deepEqual(people.visits.appErrors, {}, "who buys nothing sees nothing");
  await app.down();
});
