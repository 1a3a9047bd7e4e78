import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { bucketOf } from "../../src/core/analysis/histogram.ts";
import { DAY, HOUR, MINUTE } from "../../src/core/time/time.ts";
import { type App, createApp } from "./support/app.ts";
import { lastStatus, releaseWell } from "./support/release.ts";
import { visit, type Visitors } from "./support/visitors.ts";

let app: App;
let people: Visitors;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

const plan = (after: string): void =>
  app.plan(`
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { p95: off, after: ${after} }
steps:
  - start
  - shift: 100%
    for: 400ms
`);

before(async () => {
  app = opened.use(await createApp());
  rememberDay();
  plan("{ errors: off }");
  app.version({ name: "stable" });
  await releaseWell(app);
  people = opened.use(visit(app.port, { people: 3, pauseMs: 40 }));
  await people.seen("stable", 40);
});

it("a version with all traffic that is worse than the day before is put back, and the sentence says against what", async () => {
  plan("{ errors: { compare: day-before, rollback: 1.5x }, websockets: { compare: week-before, warn: 2x } }");
  const told = (await app.tidegate(["plan"])).stdout.replace(/\s+/g, " ");
  assert.match(told, /watched: errors: rolls back at 1\.5x of the day before/);
  assert.match(told, /holds errors against the day before, \d\d:[03]0-\d\d:[03]0 UTC \(n = [\d ]+\)/);
  assert.match(
    told,
    /! "shift 100%" can't hold WebSocket failures against the week before: the data plane has no figures of \d\d:[03]0-\d\d:[03]0 UTC then\. It waits/,
  );
  app.version({ name: "worse", fails: 0.3 });
  const ended = await app.tidegate(["release", "--json"]);
  assert.equal(ended.code, 10, ended.stdout + ended.stderr);
  assert.match(
    lastStatus(ended).rollback?.sentence ?? "",
    /^errors \d+% \(\d+\/\d+\), limit 1\.\d%: 1\.5x of at most 1\.\d% the day before \(450\/45 000, \d\d:[03]0-\d\d:[03]0 UTC\)$/,
  );
});

it("nobody's request failed but by the app, and nothing is left behind", async () => {
  await people.leave();
  assert.deepEqual(people.visits.failures, []);
  await app.down();
});

/** What the data plane would have written the day before: 25 requests a second, of which one in a hundred failed. */
function rememberDay(): void {
  const days = new Map<string, string[]>();
  const now = Math.floor(Date.now() / MINUTE) * MINUTE;
  for (let at = now - DAY - HOUR; at < now - DAY + 2 * HOUR; at += MINUTE) {
    const stable = { requests: 1_500, bad: 15, latency: [Math.ceil(bucketOf(5) / 4) * 4, 1_500] };
    const name = `${new Date(at).toISOString().slice(0, 10)}.jsonl`;
    const lines = days.get(name) ?? [];
    days.set(name, [...lines, JSON.stringify({ at, seconds: 60, requests: 1_500, stable })]);
  }
  for (const [name, lines] of days) app.write(`.tidegate/traffic/${name}`, lines.join("\n"));
}
