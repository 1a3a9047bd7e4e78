import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { after, before, describe, it, type TestContext } from "node:test";
import { type App, createApp } from "./support/app.ts";
import type { Command, Ended } from "./support/command.ts";
import { assertReplayEquals } from "./support/journal.ts";
import { faultOf, lastStatus, releaseWell, untilShare } from "./support/release.ts";
import { type SmallDisk, smallDisk } from "./support/small-disk.ts";
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
  - shift: 50%
    for: 10m
  - shift: 100%
    for: 300ms
  - approve: anyone
    name: day-1
    after: 24h
`;

let app: App;
let people: Visitors;
let disk: SmallDisk | null = null;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  const folder = opened.use(await createApp());
  app = folder;
  disk = smallDisk(app.state.path, 8);
  if (disk === null) return;
  // After what runs in it has ended, before the folder is removed.
  opened.adopt(disk, async (mounted) => {
    await app.end();
    mounted[Symbol.dispose]();
  });
  app.plan(PLAN);
  app.version({ name: "v0" });
  await releaseWell(app);
  people = opened.use(visit(app.port));
  await people.seen("v0", 5);
});

/** Tests that need a disk of their own are skipped where nobody may mount one. */
function onSmallDisk(sentence: string, test: (disk: SmallDisk) => Promise<void>): void {
  it(sentence, async (context: TestContext) => {
    if (disk === null) context.skip("needs the right to mount a tmpfs");
    else await test(disk);
  });
}

describe("a state folder on a full disk, with nothing going on", () => {
  onSmallDisk("status still tells where things stand and how what serves is", async (full) => {
    full.fill();
    const { code, stdout } = await app.tidegate(["status"]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /✔ LIVE: \w+ serves all of shop production/);
    assert.match(stdout, /web-blue-0-\w+ +running .* ready: 200 fine/);
  });

  onSmallDisk("a release is refused before anything of it has begun, and doctor names the disk", async () => {
    app.version({ name: "v1" });
    const before = await snapshot();
    const { code, what, fix } = await refused("release");
    assert.equal(code, "journal-unavailable");
    assert.match(what, /the disk is full/);
    assert.match(fix ?? "", /^make room \(df -h /m);
    assert.deepEqual(await snapshot(), before, "no version was prepared, nothing was started, the table is as it was");
    const doctor = await app.tidegate(["doctor"]);
    assert.equal(doctor.code, 3);
    assert.match(doctor.stdout, /✖ disk +0\.0 GB free/);
  });

  onSmallDisk(
    "a rollback is refused too, says how to put traffic back all the same, and has done nothing",
    async () => {
      const before = await snapshot();
      const { code, fix } = await refused("rollback");
      assert.equal(code, "journal-unavailable");
      assert.match(fix ?? "", /^to put the traffic back now, .* tidegate rollback --now\nmake room/);
      assert.deepEqual(await snapshot(), before);
    },
  );
});

describe("a disk that fills up in the middle of a release", () => {
  let engine: Command;

  onSmallDisk("status goes on telling, and a rollback that can't be written down changes nothing", async (full) => {
    full.makeRoom();
    engine = app.start(["release", "--json"]);
    await untilShare(engine, 50);
    full.fill();
    const { state, sharePercent } = await app.status();
    assert.deepEqual([state, sharePercent], ["running", 50]);
    const before = await snapshot();
    assert.equal((await refused("rollback")).code, "journal-unavailable");
    assert.deepEqual(await snapshot(), before);
    assert.ok(engine.isRunning(), "whoever acts goes on acting");
    const shares = await people.sample(30);
    assert.ok((shares["v0"] ?? 0) > 0 && (shares["v1"] ?? 0) > 0, JSON.stringify(shares));
  });

  onSmallDisk("the same rollback goes well as soon as there is room", async (full) => {
    full.makeRoom();
    const undone = await app.tidegate(["rollback", "--yes", "--json"]);
    assert.equal(undone.code, 0, undone.stdout + undone.stderr);
    assert.equal((await engine.ended).code, 10);
    const status = lastStatus(undone);
    assert.equal(status.state, "rolled-back");
    await assertReplayEquals(app, status);
  });
});

describe("a state folder that may not be written", () => {
  onSmallDisk("is read as it lies: status tells, and what would change something says why it can't", async (disk) => {
    app.version({ name: "v2" });
    const before = await snapshot();
    disk.forbidWriting();
    try {
      const { code, stdout } = await app.tidegate(["status"]);
      assert.equal(code, 0, stdout);
      assert.match(stdout, /web-blue-0-\w+ +running .* ready: 200 fine/);
      for (const words of [["release"], ["rollback", "1"]]) {
        const { code: fault, what, fix } = await refused(...words);
        assert.equal(fault, "journal-unavailable");
        assert.equal(what, "The journal can't be written: its folder is read-only, or somebody else's.");
        assert.match(fix ?? "", /give it to the user that releases \(ls -ld .*\), or mount it for writing/);
      }
    } finally {
      disk.allowWriting();
    }
    assert.deepEqual(await snapshot(), before);
  });

  onSmallDisk("can be released to again as soon as it may be written", async () => {
    const engine = app.start(["release", "--json"]);
    await untilShare(engine, 50);
    assert.equal((await app.tidegate(["promote", "--yes"])).code, 0);
    assert.equal((await engine.ended).code, 0);
    await people.seen("v2", 10);
  });
});

onSmallDisk("nobody's request failed in all of this, and nothing is left behind", async () => {
  await people.leave();
  assert.deepEqual(people.visits.failures, []);
  await app.down();
});

async function refused(...words: readonly string[]): Promise<ReturnType<typeof faultOf>> {
  const ended: Ended = await app.tidegate([...words, "--yes", "--json"]);
  assert.ok(ended.code === 12 || ended.code === 3, `${words.join(" ")}: ${ended.code} ${ended.stdout}${ended.stderr}`);
  assert.equal(ended.stderr, "");
  return faultOf(ended);
}

/** All that a command could have begun: versions, processes, the routing table. */
async function snapshot(): Promise<unknown> {
  const versions = app.state.file("versions");
  const { instances } = await app.keeper();
  return {
    versions: existsSync(versions) ? readdirSync(versions).toSorted() : [],
    instances: instances.map(({ spec, state }) => `${spec.id} ${state}`).toSorted(),
    table: { ...(await app.plane()).table, lease: null },
  };
}
