import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { TrafficState } from "../../src/core/traffic/routing.ts";
import { until } from "../support/until.ts";
import { type App, createApp } from "./support/app.ts";
import type { Command } from "./support/command.ts";
import { assertReplayEquals, eventsOf, ofType } from "./support/journal.ts";
import { assertNobodyOnCandidate } from "./support/nobody-on.ts";
import { lastStatus, releaseWell, untilShare } from "./support/release.ts";
import { visit, type Visitors } from "./support/visitors.ts";

const UNWATCHED_MS = 2_000;
const HELD_MS = 3_000;

let app: App;
let people: Visitors;
let version = 0;
let id = 1;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  app.plan(plan("stable"));
  app.version({ name: "v0" });
  await releaseWell(app, "--yes");
  people = opened.use(visit(app.port));
});

describe("a part of the traffic that no engine watches any more", () => {
  it("goes back to stable by itself after a kill -9; the next engine tells the journal and gives it again", async () => {
    const engine = await releaseTo25();
    const killedAt = Date.now();
    engine.kill("SIGKILL");
    await engine.ended;
    const plane = await untilReturned();
    assert.ok((plane.returnedAt ?? 0) > killedAt, "not while it was watched");
    assert.equal(plane.table?.lease, null);
    await until("it is recorded", () => onDisk().returnedAt === plane.returnedAt);
    await assertNobodyOnCandidate(app, people);

    const serving = app.start(["serve", "--json"]);
    await serving.says("it is closed", ({ type, release }) => type === "closed" && release === id);
    serving.kill("SIGTERM");
    assert.equal((await serving.ended).code, 0);
    await assertGivenAgain();
    await people.seen(`v${version}`, 10);
  });

  it("goes back while the engine is stopped; woken up it does not take the time away for watched, and goes on", async () => {
    const engine = await releaseTo25();
    engine.kill("SIGSTOP");
    await untilReturned();
    await assertNobodyOnCandidate(app, people);
    engine.kill("SIGCONT");
    const ended = await engine.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    await assertReplayEquals(app, lastStatus(ended));
    await assertGivenAgain();
  });

  it("stays where it is when the plan says hold, and nothing is put right", async () => {
    app.plan(plan("hold"));
    const engine = await releaseTo25();
    const killedAt = Date.now();
    engine.kill("SIGKILL");
    await engine.ended;
    await until("its time is over", () => Date.now() > killedAt + UNWATCHED_MS + 1_500, 30_000);
    const plane = await app.plane();
    assert.equal(plane.table?.share, 2_500);
    assert.equal(plane.returnedAt, null);
    const attached = await app.tidegate(["attach", "--json"]);
    assert.equal(attached.code, 0, attached.stdout + attached.stderr);
    const events = await assertReplayEquals(app, lastStatus(attached));
    assert.deepEqual(ofType(events, "share-drifted"), []);
  });
});

it("serve, put aside by rollback --now, says so, acts anew and finishes the rollback", async () => {
  const engine = await releaseTo25();
  engine.kill("SIGKILL");
  await engine.ended;
  const serving = app.start(["serve", "--json"]);
  await serving.says("it serves", ({ type }) => type === "serving");
  const done = await app.tidegate(["rollback", "--now"]);
  assert.equal(done.code, 10, done.stdout + done.stderr);
  await serving.says(
    "it was put aside",
    ({ type, sentence }) => type === "fenced" && String(sentence).endsWith("of ann."),
  );
  await serving.says("it is rolled back", ({ type, release }) => type === "rolled-back" && release === id);
  serving.kill("SIGTERM");
  assert.equal((await serving.ended).code, 0);
  assert.equal((await app.status(id)).state, "rolled-back");
});

it("nobody's request failed in all of this, and nothing is left behind", async () => {
  await people.leave();
  assert.deepEqual(people.visits.failures, []);
  await app.down();
});

function onDisk(): { readonly returnedAt: number | null } {
  const text = readFileSync(app.file(".tidegate", "routing-table.json"), "utf8");
  return JSON.parse(text) as { readonly returnedAt: number | null };
}

async function releaseTo25(): Promise<Command> {
  version += 1;
  id += 1;
  app.version({ name: `v${version}` });
  const engine = app.start(["release", "--yes", "--json"]);
  await untilShare(engine, 25);
  return engine;
}

async function untilReturned(): Promise<TrafficState> {
  return await until(
    "the data plane goes back by itself",
    async () => {
      const plane = await app.plane();
      return plane.returnedAt !== null && plane.table?.share === 0 ? plane : undefined;
    },
    30_000,
  );
}

/** The share was lost, that is in the journal, it was given again, and only watched time has counted. */
async function assertGivenAgain(): Promise<void> {
  const events = await eventsOf(app, id);
  const drifts = ofType(events, "share-drifted");
  assert.equal(drifts.length, 1);
  assert.match(drifts[0]?.sentence ?? "", /instead of 25%: nobody watched, so the data plane went back to stable/);
  const confirmed = events.filter(
    ({ event }) => event.type === "effect-confirmed" && event.observed["sharePercent"] === 25,
  );
  assert.equal(confirmed.length, 2);
  const passed = events.find(({ event }) => event.type === "step-passed" && event.step.endsWith("shift-25"));
  const [first, again] = confirmed;
  assert.ok(passed !== undefined && first !== undefined && again !== undefined);
  assert.ok(passed.at.watched - first.at.watched >= HELD_MS, "its time was watched in full");
  const away = again.at.wall - first.at.wall;
  assert.ok(passed.at.wall - first.at.wall >= HELD_MS + away / 2, "and nobody took the time away for it");
}

function plan(act: "stable" | "hold"): string {
  return `
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
traffic: { embedded: \${PORT_OF_FRONT_DOOR}, unwatched: { after: ${UNWATCHED_MS}ms, do: ${act} } }
guards: { errors: off, p95: off, restarts: off }
steps:
  - shift: 25%
    for: ${HELD_MS}ms
  - shift: 100%
    for: 300ms
  - retire
`;
}
