import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { until } from "../support/until.ts";
import { type App, createApp } from "./support/app.ts";
import type { Command } from "./support/command.ts";
import { assertReplayEquals, eventsOf, ofType } from "./support/journal.ts";
import { faultOf, lastStatus, releaseWell, untilShare } from "./support/release.ts";
import { visit, type Visitors } from "./support/visitors.ts";

const PLAN = `
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off, restarts: off }
steps:
  - shift: 25%
    for: 10m
  - shift: 50%
    for: 10m
  - shift: 100%
    for: 1s
`;

let app: App;
let people: Visitors;
let version = 0;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  app.plan(PLAN);
  app.version({ name: "v0" });
  await releaseWell(app);
  people = opened.use(visit(app.port));
});

/** Each begins with a release that is held at 25 %, and its engine in a process of its own. */
let engine: Command;
let id = 1;
beforeEach(async () => {
  if (engine?.isRunning()) return;
  if ((await app.status()).state === "running") {
    engine = app.start(["attach", "--json"]);
    await engine.says("it acts", ({ type }) => type === "engine-took-over");
    return;
  }
  commitNext();
  engine = app.start(["release", "--json"]);
  await untilShare(engine, 25);
  id += 1;
});

describe("whoever stops watching", () => {
  it("only looks away where another process acts", async () => {
    const watching = app.start(["status", "--follow"]);
    await watching.tells(/Watching at 25%/);
    watching.kill("SIGINT");
    const { code, stderr } = await watching.ended;
    assert.equal(code, 130);
    const goesOn = `Stopped watching; release ${id} goes on \\(another tidegate, process ${engine.pid}, since`;
    assert.match(stderr, new RegExp(goesOn));
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`stops the engine in the foreground by ${signal}: exit 130, what stays where it is, how to go on`, async () => {
      engine.kill(signal);
      const { code, stderr } = await engine.ended;
      assert.equal(code, 130);
      assert.match(
        stderr,
        new RegExp(`^The engine stops here; release ${id} stays where it is, with 25% of the traffic`),
      );
      assert.match(stderr, /Unwatched, all of the traffic goes back to \w+ after 2m\./);
      assert.match(stderr, new RegExp(`Go on with: tidegate attach ${id}`));
      assert.equal((await app.plane()).table?.share, 2_500, "nothing has changed for visitors");
    });
  }
});

describe("verbs reach whoever acts", () => {
  it("pause, promote, resume, step-back", async () => {
    const said = async (...words: string[]): Promise<string> => {
      const { code, stdout, stderr } = await app.tidegate([...words, "--yes"]);
      assert.equal(code, 0, stdout + stderr);
      return stdout;
    };
    assert.match(await said("pause", "--reason", "lunch"), /^Paused/);
    await engine.says(
      "it is paused",
      ({ type, by, reason }) => type === "paused" && by === "ann" && reason === "lunch",
    );
    assert.equal((await app.status()).paused?.reason, "lunch");

    // Paused, it does not go on even where it is promoted.
    await said("promote");
    assert.equal((await app.status()).sharePercent, 25);
    assert.match(await said("resume"), /^Resumed/);
    await untilShare(engine, 50);

    assert.match(await said("step-back", "--reason", "odd carts"), /^Stepping back to 25%/);
    await untilShare(engine, 25);
    assert.equal((await app.plane()).table?.share, 2_500);
    const events = await assertReplayEquals(app, await app.status(id));
    const counts = (["paused", "promoted", "resumed", "stepped-back"] as const).map(
      (type) => ofType(events, type).length,
    );
    assert.deepEqual(counts, [1, 1, 1, 1]);
  });
});

describe("verbs act themselves where nobody does", () => {
  beforeEach(async () => {
    engine.kill("SIGKILL");
    await engine.ended;
  });

  it("pause acts and stays, because a part of the traffic must be watched; resume reaches it", async () => {
    engine = app.start(["pause", "--yes", "--json"]);
    await engine.says("paused", ({ type }) => type === "paused");
    const resumed = await app.tidegate(["resume", "--yes", "--json"]);
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
    await engine.says("resumed", ({ type }) => type === "resumed");
  });

  it("promote goes on to the next step, and from another terminal to the end", async () => {
    engine = app.start(["promote", "--yes", "--json"]);
    await untilShare(engine, 50);
    assert.equal((await app.tidegate(["promote", "--yes"])).code, 0);
    const ended = await engine.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.equal(lastStatus(ended).state, "closed");
    await people.seen(`v${version}`, 10);
    await assertReplayEquals(app, lastStatus(ended));
  });

  it("rollback goes back, and asked again takes nothing else down", async () => {
    const undone = await app.tidegate(["rollback", "--yes", "--json", "--reason", "enough"]);
    assert.equal(undone.code, 0, "it was asked for");
    const status = lastStatus(undone);
    assert.equal(status.state, "rolled-back");
    assert.match(status.rollback?.sentence ?? "", /Rolled back by ann: enough/);
    await assertReplayEquals(app, status);
    const again = await app.tidegate(["rollback", "--yes"]);
    assert.equal(again.code, 0);
    assert.match(again.stdout, /was rolled back already: all traffic went to/);
  });
});

describe("two releases", () => {
  it("the second is refused while the first runs, and told how to go on", async () => {
    const second = await app.tidegate(["release", "--json"]);
    assert.equal(second.code, 3);
    const { code, what, fix } = faultOf(second);
    assert.equal(code, "release-running");
    assert.match(what, new RegExp(`Release ${id} \\(\\w+\\) of shop in production is still running`));
    assert.match(fix ?? "", /tidegate status \d+ ; .*tidegate release --supersede/);
  });

  it("a follower goes on by itself when the engine dies", async () => {
    const following = app.start(["attach"]);
    await following.tells(/Watching at 25%/);
    engine.kill("SIGKILL");
    await until("it acts", async () => (await actor()) === following.pid);
    engine = following;
  });

  it("--supersede undoes the first completely before the second begins", async () => {
    commitNext();
    const second = app.start(["release", "--supersede", "--yes", "--json"]);
    assert.equal((await engine.ended).code, 10, "rolled back");
    engine = second;
    await untilShare(second, 25);
    const undone = await app.status(id);
    assert.match(undone.rollback?.sentence ?? "", new RegExp(`Superseded by ann: release ${id + 1}`));
    const newer = (await eventsOf(app, id + 1))[0];
    assert.ok((undone.endedAtMs ?? Infinity) <= (newer?.at.wall ?? 0), "never the mix of both");
    assert.ok(newer?.event.type === "planned");
    assert.equal(newer.event.stable?.version, undone.stable?.version);
    id += 1;
  });

  it("begun in the same moment, one acts and the other is refused", async () => {
    await rollBack();
    commitNext();
    const both = [app.start(["release", "--json"]), app.start(["release", "--json"])];
    const loser = await Promise.race(both.map(async (one) => ({ one, ended: await one.ended })));
    assert.equal(loser.ended.code, 3, loser.ended.stdout + loser.ended.stderr);
    assert.equal(faultOf(loser.ended).code, "release-running");
    engine = both.find((one) => one !== loser.one) as Command;
    await untilShare(engine, 25);
    id += 1;
    assert.equal((await eventsOf(app, id + 1)).length, 0, "only one release was planned");
  });
});

it("nobody's request failed in all of this, and nothing is left behind", async () => {
  await rollBack();
  await people.leave();
  assert.deepEqual(people.visits.failures, []);
  await app.down();
});

/** The process that acts, as `status` tells it. */
async function actor(): Promise<number | undefined> {
  const { stdout } = await app.tidegate(["status", "--json"]);
  return (JSON.parse(stdout) as { readonly acting: { readonly pid: number } | null }).acting?.pid;
}

function commitNext(): void {
  version += 1;
  app.version({ name: `v${version}` });
}

/** Asks whoever acts, and waits until that has ended too. */
async function rollBack(): Promise<void> {
  const undone = await app.tidegate(["rollback", "--yes", "--json"]);
  assert.equal(undone.code, 0, undone.stdout + undone.stderr);
  const acted = await engine.ended;
  assert.equal(acted.code, 10, `the engine tells its own end: ${acted.stderr}`);
}
