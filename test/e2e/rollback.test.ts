import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { type App, createApp } from "./support/app.ts";
import { assertReplayEquals, ofType } from "./support/journal.ts";
import { lastStatus, releaseWell } from "./support/release.ts";
import { visit, type Visitors } from "./support/visitors.ts";

let app: App;
let people: Visitors;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  app.plan(plan("  - approve: anyone\n    name: day-1\n    after: 24h\n"));
  app.version({ name: "v0" });
  await releaseWell(app);
  people = opened.use(visit(app.port));
});

describe("a release that is live and has its standby", () => {
  it("goes back at once, undoes its commands last first, and then stops the candidate", async () => {
    app.version({ name: "v1" });
    const live = await releaseWell(app);
    assert.equal(live.state, "live");
    assert.deepEqual(said(), ["do one", "do two"].flatMap((line) => [`v0 ${line}`, `v1 ${line}`]).sort());
    assert.match(
      live.rollbackWould ?? "",
      /which still runs, undoes 2 commands, then stops \w+\. Under 1s for users\.$/,
    );

    const undone = await app.tidegate(["rollback", "--yes", "--json"]);

    assert.equal(undone.code, 0, undone.stdout + undone.stderr);
    const status = lastStatus(undone);
    assert.equal(status.state, "rolled-back");
    await people.seen("v0", 20);
    const events = await assertReplayEquals(app, status);
    const order = ofType(events, "effect-confirmed").map(({ key }) => key.split("/").slice(1));
    assert.deepEqual(
      order.filter(([within]) => within === "undo").map(([, , name]) => name),
      ["share-to-stable", "undo-04-two", "undo-01-one", "gather-evidence", "stop-candidate", "settle-stable"],
    );
    assert.deepEqual(linesOf("commands.txt").slice(-2), ["v1 undo two", "v1 undo one"]);
    assert.deepEqual(linesOf("started.txt"), ["v0", "v1"], "the standby was never stopped");
    assert.deepEqual(await versionsRunning(), [status.stable?.version]);
  });

  it("is not taken for a success by a script that attaches too late", async () => {
    const named = await app.tidegate(["attach", "2", "--json"]);
    assert.equal(named.code, 10, named.stdout + named.stderr);
    assert.equal((JSON.parse(named.stdout) as { state: string }).state, "rolled-back");
  });

  it("can be released again after that", async () => {
    app.version({ name: "v2" });
    assert.equal((await releaseWell(app)).state, "live");
    await people.seen("v2", 20);
  });
});

describe("a release whose standby is retired", () => {
  it("goes back through a start of the version before, and says so beforehand", async () => {
    app.plan(plan("  - retire\n"));
    app.version({ name: "v3" });
    const closed = await releaseWell(app);
    assert.equal(closed.state, "closed");
    assert.deepEqual(await versionsRunning(), [closed.candidate.version]);
    assert.match(closed.rollbackWould ?? "", /^\w+ was retired: starts it again \(about \d+s\), then puts 100% on it/);

    const undone = await app.tidegate(["rollback", "--yes"]);

    assert.equal(undone.code, 0, undone.stdout + undone.stderr);
    assert.match(
      undone.stdout,
      /^No engine acts on this app, so this command does[^\n]*\n\w+ was retired: starts it again/,
    );
    await people.seen("v2", 20);
    assert.deepEqual(await versionsRunning(), [closed.stable?.version]);
    assert.deepEqual(
      linesOf("started.txt").filter((line) => line === "v2"),
      ["v2", "v2"],
    );
    await assertReplayEquals(app, await app.status(closed.release));
  });

  it("was the newest, so the one before it may be rolled back as well; status then tells of that", async () => {
    const undone = await app.tidegate(["rollback", "3", "--yes"]);
    assert.equal(undone.code, 0, undone.stdout + undone.stderr);
    await people.seen("v0", 20);
    const { release, state } = await app.status();
    assert.deepEqual({ release, state }, { release: 3, state: "rolled-back" });
    const again = await app.tidegate(["rollback", "4", "--yes"]);
    assert.equal(again.code, 0);
    assert.match(again.stdout, /^Release 4 was rolled back already: all traffic went to \w+\./);
    const { candidate } = await app.status(1);
    const serves = `^${candidate.label} of release 1 serves now\\. To go back from that too: tidegate rollback 1\\. `;
    assert.match(again.stdout, new RegExp(`${serves}Stops ${candidate.label}; nothing serves then`, "m"));
    assert.deepEqual(await versionsRunning(), [candidate.version], "asked again, it took nothing else down");
  });
});

it("the first release of all leaves nothing when it is rolled back, and says so beforehand", async () => {
  assert.deepEqual(people.visits.failures, [], "none failed in all of the above");
  await people.leave();
  const alone = opened.use(await createApp());
  alone.plan(plan("  - retire\n"));
  alone.version({ name: "v0" });
  const only = await releaseWell(alone);
  assert.match(only.rollbackWould ?? "", /nothing serves then, because there is no earlier version/);
  const undone = await alone.tidegate(["rollback", "--yes"]);
  assert.equal(undone.code, 0, undone.stdout + undone.stderr);
  assert.equal(
    (await fetch(`http://127.0.0.1:${alone.port}/`)).status,
    503,
    "the front door says that nothing is there",
  );
  await alone.down();
});

it("leaves nothing running behind", () => app.down());

function plan(end: string): string {
  const log = "commands.txt";
  const say = (line: string): string =>
    `node -e "fs.appendFileSync('.tidegate/${log}', require('./behaviour.json').name + ' ${line}\\n')"`;
  return `
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
    env: { START_LOG: "../../started.txt" }
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off, restarts: off }
steps:
  - run: ${JSON.stringify(say("do one"))}
    undo: ${JSON.stringify(say("undo one"))}
    name: one
  - start
  - shift: 50%
    for: 1s
  - run: ${JSON.stringify(say("do two"))}
    undo: ${JSON.stringify(say("undo two"))}
    name: two
  - shift: 100%
    for: 1s
${end}`;
}

function said(): readonly string[] {
  return [...linesOf("commands.txt")].sort();
}

function linesOf(file: string): readonly string[] {
  const path = app.file(".tidegate", file);
  return existsSync(path) ? readFileSync(path, "utf8").split("\n").filter(Boolean) : [];
}

async function versionsRunning(): Promise<readonly (string | undefined)[]> {
  const { instances } = await app.keeper();
  return instances.filter(({ state }) => state === "running").map(({ spec }) => spec.labels["version"]);
}
