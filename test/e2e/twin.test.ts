import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { until } from "../support/until.ts";
import { type App, createApp } from "./support/app.ts";
import { lastStatus, releaseWell } from "./support/release.ts";
import { visit, type Visitors } from "./support/visitors.ts";

/** Caches that are empty: of what a process answers first a part fails. */
const COLD = { answers: 100, fails: 0.3 };

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
    health: { ready: /health, every: 300ms, timeout: 300ms, fall: 1 }
    drain: 2s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { p95: off, errors: { promote: 40% } }
twin: true
steps:
  - shift: 30%
    for: 5s
  - shift: 100%
    for: 300ms
`);
  app.version({ name: "v0", cold: COLD, startMs: 1_200 });
  await releaseWell(app);
  people = opened.use(visit(app.port, { people: 20 }));
  await people.seen("v0", 300);
});

describe("a release of an app whose instances fail at first, with a twin", () => {
  it("goes live, because the twin does no better", async () => {
    app.version({ name: "v1", cold: COLD, startMs: 1_200 });
    const command = app.start(["release", "--json"]);
    await command.says("what both have done so far", () =>
      command.documents().some(({ sentence }) => /^errors .* against its twin's/.test(String(sentence))),
    );

    // Its twin dies and comes back: meanwhile nothing is compared, and nothing fails.
    const twin = (await app.keeper()).instances.find(({ spec }) => spec.labels["slot"] === "twin");
    process.kill(twin?.pid ?? Number.NaN, "SIGKILL");
    await command.says("that there is nothing to compare with", () =>
      command
        .documents()
        .some(({ sentence }) => /; not compared, its twin can't serve: web-twin-0/.test(String(sentence))),
    );

    const ended = await command.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const shift = lastStatus(ended).steps.find(({ kind }) => kind === "shift");
    assert.match(shift?.sentence ?? "", /errors [\d.]+% \(\d+\/[\d ]+\) against its twin's [\d.]+% \(\d+\/[\d ]+\)/);
  });

  it("that is put back at once leaves nobody on its twin, and nobody's request fails", async () => {
    app.version({ name: "v2", startMs: 300 });
    const command = app.start(["release", "--json"]);
    await until("the twin has its part", async () => (await app.plane()).table?.twin);
    const since = people.since();
    const back = await app.tidegate(["rollback", "--now", "--yes", "--json"]);
    assert.equal(back.code, 10, back.stdout + back.stderr);
    const { table } = await app.plane();
    assert.equal(table?.share, 0);
    assert.equal(lastStatus(await command.ended).state, "rolled-back");
    assert.deepEqual(since().failures, []);
  });

  it("leaves no twin behind", async () => {
    const { instances } = await app.keeper();
    const twins = instances.filter(({ spec }) => spec.labels["slot"] === "twin");
    assert.deepEqual(
      twins.filter(({ state }) => state !== "exited"),
      [],
    );
    assert.notEqual(twins.length, 0);
    assert.equal((await app.plane()).table?.twin, undefined);
    await people.leave();
    await app.down();
  });
});
