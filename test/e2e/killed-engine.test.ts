import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type DyingEngine, goesOnAfter, openDyingEngine } from "./support/dying-engine.ts";
import { assertReplayEquals, confirmations, eventsOf, ofType } from "./support/journal.ts";
import { lastStatus } from "./support/release.ts";

/** Around which commit of the journal the engine dies: each kind of them. The others are in the long suite. */
const PLACES = [
  { die: "after effect-requested start", goOn: "serve" },
  { die: "before effect-confirmed start", goOn: "attach" },
  { die: "before effect-confirmed share", goOn: "attach" },
  { die: "after effect-confirmed share", goOn: "serve" },
  { die: "after step-started shift-100", goOn: "attach" },
  { die: "before effect-confirmed stop-standby", goOn: "attach" },
] as const;

let engine: DyingEngine;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  engine = opened.use(await openDyingEngine());
});

describe("a release whose engine is killed goes on where it was, and nobody's request fails", () => {
  goesOnAfter(PLACES, () => engine);
});

it("a request that nobody answered begins no second release, and supersedes not its own", async () => {
  const name = engine.nextVersion();
  await engine.releaseAndDie("after planned", "--supersede", "--yes");
  const status = await engine.attach();
  assert.equal(status.state, "closed");
  await engine.assertDoneOnce(name, status);
  assert.deepEqual(await eventsOf(engine.app, engine.release() + 1), []);
});

describe("a command of the user's that may have been done when the engine died", () => {
  it("waits for a person, and `retry` runs it where it was not done", async () => {
    const { app, people } = engine;
    const name = engine.nextVersion();
    await engine.releaseAndDie("after effect-requested command");
    assert.deepEqual(engine.commandsRun(name), []);

    const held = await app.tidegate(["attach", "--json"]);
    assert.equal(held.code, 11, "waiting for a person");
    const { hold } = lastStatus(held);
    assert.match(hold?.sentence ?? "", /Nobody knows whether "run mark" was done/);
    assert.equal(hold?.needsPerson, true);

    const retried = await app.tidegate(["retry", "--yes", "--json"]);
    assert.equal(retried.code, 0, retried.stdout + retried.stderr);
    await people.seen(name, 5);
    assert.deepEqual(engine.commandsRun(name), [name]);
    await engine.assertDoneOnce(name, lastStatus(retried));
  });

  it("waits for a person, and `promote` goes on where it was done", async () => {
    const { app, people } = engine;
    const name = engine.nextVersion();
    await engine.releaseAndDie("before effect-confirmed command");
    assert.deepEqual(engine.commandsRun(name), [name], "it was done, and nobody wrote that down");

    const held = await app.tidegate(["attach", "--json"]);
    assert.equal(held.code, 11);

    const promoted = await app.tidegate(["promote", "--yes", "--json"]);
    assert.equal(promoted.code, 0, promoted.stdout + promoted.stderr);
    await people.seen(name, 5);
    assert.deepEqual(engine.commandsRun(name), [name], "once, although the engine died over it");
    const events = await assertReplayEquals(app, lastStatus(promoted));
    assert.equal(ofType(events, "promoted").length, 1);
  });

  it("is simply run again where the plan says that this is safe", async () => {
    const name = engine.nextVersion();
    engine.plan("safe");
    await engine.releaseAndDie("before effect-confirmed command");

    const status = await engine.attach();

    assert.equal(status.state, "closed");
    assert.deepEqual(engine.commandsRun(name), [name, name]);
    const release = engine.release();
    const confirmed = confirmations(await eventsOf(engine.app, release));
    assert.equal(confirmed[`${release}/01-run-mark/1/command`], 1);
  });
});

it("was never seen by anybody outside: no request failed in all these deaths", () => {
  assert.deepEqual(engine.people.visits.failures, []);
  assert.ok(engine.people.visits.requests > 500, `${engine.people.visits.requests} requests`);
});

it("leaves nothing running behind", async () => {
  await engine.people.leave();
  await engine.app.down();
});
