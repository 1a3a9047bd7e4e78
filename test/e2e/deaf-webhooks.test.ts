import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type App, createApp } from "./support/app.ts";
import { eventsOf, ofType } from "./support/journal.ts";
import { releaseWell } from "./support/release.ts";
import { type ThirdParty, thirdParty } from "./support/third-party.ts";
import { told } from "./support/told.ts";
import { visit, type Visitors } from "./support/visitors.ts";

let app: App;
let people: Visitors;
let chat: ThirdParty;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  chat = opened.use(await thirdParty());
  app = opened.use(await createApp());
  app.plan(`
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
notify: { webhook: { good: "${chat.url("/good")}", silent: "${chat.url("/silent")}", broken: "${chat.url("/broken")}" } }
guards: { errors: off, p95: off, restarts: off }
steps:
  - notify: \${version} is on its way
  - shift: 100%
    for: 300ms
  - approve: anyone
    name: day-1
    after: 24h
`);
  app.version({ name: "v0" });
  await releaseWell(app);
  people = opened.use(visit(app.port));
});

describe("webhooks that hang or answer 500", () => {
  before(() => {
    chat.answer("/silent", "hang");
    chat.answer("/broken", 500);
  });

  it("hold no release up, and the one that is well hears all of it", async () => {
    app.version({ name: "v1" });
    const status = await releaseWell(app);
    assert.equal(status.state, "live");
    assert.deepEqual(
      told(chat, "/good", 2)
        .map((line) => line.split(":")[0] ?? "")
        .toSorted(),
      ["announcement", "live", "started"],
    );
    assert.ok(told(chat, "/silent", 2).length > 0, "it was told, and did not answer");
    const telling = status.steps.find(({ kind }) => kind === "notify");
    // Each try of one that hangs lasts for ten seconds.
    assert.ok((telling?.tookMs ?? Infinity) < 5_000, `the step that tells them took ${telling?.tookMs} ms`);
  });

  it("hold no rollback up", async () => {
    const undone = await app.tidegate(["rollback", "--yes"]);
    assert.equal(undone.code, 0, undone.stdout + undone.stderr);
    assert.match(undone.stdout, /✖ ROLLED BACK at 100%: Rolled back by ann/);
    await people.seen("v0", 20);
    assert.equal(told(chat, "/good", 2).filter((line) => line.startsWith("rolled-back")).length, 1);
  });

  it("are told by whoever acts next, once they are in order again", async () => {
    chat.answer("/silent", 200);
    app.version({ name: "v2" });
    await releaseWell(app);
    const taken = ofType(await eventsOf(app, 2), "effect-confirmed").map(({ key }) => key.split("/").at(-1));
    assert.equal(taken.filter((name) => name === "rolled-back@silent").length, 1, taken.join(" "));
    assert.equal(taken.filter((name) => name === "rolled-back@good").length, 1, taken.join(" "));
  });
});

it("nobody's request failed in all of this, and nothing is left behind", async () => {
  await people.leave();
  assert.deepEqual(people.visits.failures, []);
  await app.down();
});
