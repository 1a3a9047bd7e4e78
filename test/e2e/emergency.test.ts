import assert from "node:assert/strict";
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { callControl } from "../../src/local/control-socket.ts";
import { EPOCH_HEADER } from "../../src/keeper/protocol.ts";
import { until } from "../support/until.ts";
import { type App, createApp } from "./support/app.ts";
import type { Command, Document, Ended } from "./support/command.ts";
import { assertReplayEquals, ofType } from "./support/journal.ts";
import { assertNobodyOnCandidate } from "./support/nobody-on.ts";
import { faultOf, lastStatus, releaseWell, untilShare } from "./support/release.ts";
import { visit, type Visitors } from "./support/visitors.ts";

const PLAN = `
app: emergency-shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off, restarts: off }
steps:
  - run: node -e "fs.appendFileSync('.tidegate/said.txt', 'do ')"
    undo: node -e "fs.appendFileSync('.tidegate/said.txt', 'undo ')"
    name: beside
  - shift: 25%
    for: 10m
  - shift: 100%
    for: 1s
`;

let app: App;
let people: Visitors;
let engine: Command;
let version = 0;
let id = 1;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  app.plan(PLAN);
  app.version({ name: "v0" });
  await releaseWell(app);
  people = opened.use(visit(app.port));
});

/** A release that is held at 25 %, and its engine in a process of its own. */
async function holdAt25(): Promise<void> {
  version += 1;
  id += 1;
  writeFileSync(app.file(".tidegate", "said.txt"), "");
  app.version({ name: `v${version}` });
  engine = app.start(["release", "--yes", "--json"]);
  await untilShare(engine, 25);
}

describe("rollback --now puts traffic back, and the rest follows", () => {
  beforeEach(holdAt25);

  it("where a healthy engine acts: that is refused, says so, goes on from there and ends with exit code 10", async () => {
    await assertRefusedAsMeant();
    const done = await putBack();
    assert.equal(done.type, "put-back");
    assert.equal(done["release"], id);
    assert.equal(done["fromSharePercent"], 25);
    const ended = await engine.ended;
    assert.equal(ended.code, 10, ended.stdout + ended.stderr);
    assert.match(
      ended.stderr,
      /stops acting: epoch \d+ has taken over at the data plane, by `tidegate rollback --now` of ann/,
    );
    await assertRolledBack(lastStatus(ended).release);
    const nothing = await app.tidegate(["rollback", "--now", "--json"]);
    assert.equal(nothing.code, 3);
    assert.equal(faultOf(nothing).code, "nothing-to-put-back");
  });

  it("where nobody acts, with no journal and no plan, by the app's name from anywhere; attach finishes it", async () => {
    await kill();
    const plan = readFileSync(app.file("tidegate.yaml"), "utf8");
    app.write("tidegate.yaml", "app: [this is no plan\n");
    takeJournalAway();
    const done = await putBack(["--app", "emergency-shop", "--reason", "carts are empty"], dirname(app.folder));
    assert.equal(done.type, "put-back");
    assert.equal(done["actor"], null);
    assert.equal((await putBack()).type, "already");

    giveJournalBack();
    const { stdout } = await app.tidegate(["status", "--json"]);
    const untold = (JSON.parse(stdout) as { readonly emergencies: readonly { readonly id: string }[] }).emergencies;
    assert.deepEqual(
      untold.map((each) => each.id),
      [done["emergency"]],
      "status tells what no journal knows yet",
    );
    const told = await app.tidegate(["status"]);
    assert.match(told.stdout, /All traffic put back to \w+, from 25% on \w+, by ann with rollback --now/);

    const attached = await app.tidegate(["attach", "--json"]);
    assert.equal(attached.code, 10, attached.stdout + attached.stderr);
    assert.match(lastStatus(attached).rollback?.sentence ?? "", /^Put back at once by ann: carts are empty\.$/);
    await assertRolledBack(id);
    app.write("tidegate.yaml", plan);
  });

  it("where the engine hangs and keeps the journal's lock: it can't write any more, and stops acting when it wakes", async () => {
    const following = app.start(["status", "--follow"]);
    await following.tells(/Watching at 25%/);
    engine.kill("SIGSTOP");
    const followed = await following.ended;
    assert.equal(followed.code, 11, followed.stdout + followed.stderr);
    const isStopped = new RegExp(
      `Process ${engine.pid} \\(tidegate release --yes --json\\) acts on this release and is stopped`,
    );
    assert.match(inOneLine(followed.stdout), isStopped);
    assert.doesNotMatch(followed.stdout, /Nobody acts on this release/);
    const done = await putBack();
    assert.equal(done.type, "put-back");
    assert.deepEqual(done["actor"], { pid: engine.pid, command: "tidegate release --yes --json", isStopped: true });
    await people.seen("v0");
    await assertNobodyOnCandidate(app, people);

    const told = await app.tidegate(["status"]);
    assert.match(told.stdout, /TRAFFIC PUT BACK from 25%: Put back at once by ann/);
    assert.doesNotMatch(told.stdout, /Nobody watches|● shift/);
    assert.match(inOneLine(told.stdout), isStopped);
    const doctor = await app.tidegate(["doctor"]);
    assert.match(
      doctor.stdout,
      new RegExp(`✖ engine +process ${engine.pid} \\(tidegate release [^)]*\\) acts and is stopped`),
    );

    const refused = await app.tidegate(["attach", "--json"]);
    assert.equal(refused.code, 3);
    const { code, what, fix } = faultOf(refused);
    assert.equal(code, "another-acts");
    assert.match(what, new RegExp(`^Process ${engine.pid} acts on this app and is stopped`));
    assert.match(fix ?? "", new RegExp(`kill -CONT ${engine.pid}[^]*kill -9 ${engine.pid}[^]*tidegate rollback --now`));
    await assertStaleAreRefused();

    engine.kill("SIGCONT");
    const ended = await engine.ended;
    assert.equal(ended.code, 10, ended.stdout + ended.stderr);
    assert.match(ended.stderr, /stops acting: [^\n]* It begins anew here, with what is left to do\.\n$/);
    await assertRolledBack(id);
  });

  it("where the journal is damaged beyond reading; once it is back, tidegate serve finishes", async () => {
    await kill();
    takeJournalAway();
    writeFileSync(app.file(".tidegate", "journal.db"), Buffer.alloc(20_000, 0xa5));
    const asked = await app.tidegate(["rollback", "--yes", "--json"]);
    assert.match(faultOf(asked).fix ?? "", /without engine and journal: tidegate rollback --now/);
    assert.equal((await putBack()).type, "put-back");
    giveJournalBack();

    const serving = app.start(["serve", "--json"]);
    await serving.says("it is rolled back", ({ type, release }) => type === "rolled-back" && release === id);
    await assertRolledBack(id);
    serving.kill("SIGTERM");
    assert.equal((await serving.ended).code, 0);
  });
});

it("nobody's request failed in all of this, and nothing is left behind", async () => {
  await people.leave();
  assert.deepEqual(people.visits.failures, []);
  await app.down();
});

/** Words that can't be meant change nothing. */
async function assertRefusedAsMeant(): Promise<void> {
  const other = await app.tidegate(["rollback", "99", "--now", "--json"]);
  assert.equal(other.code, 2);
  assert.match(faultOf(other).what, new RegExp(`has release ${id}, not 99`));
  const unknown = await app.tidegate(["rollback", "--now", "--app", "nobody-knows", "--json"]);
  assert.equal(unknown.code, 2);
  assert.match(faultOf(unknown).fix ?? "", /emergency-shop in production: --state \S+\.tidegate/);
  assert.equal((await app.tidegate(["rollback", "--anyway"])).code, 2);
  const elsewhere = await app.tidegate(["rollback", "--now", "--json"], { cwd: dirname(app.folder) });
  assert.equal(elsewhere.code, 2);
  assert.match(faultOf(elsewhere).what, /Nothing was released here/);
  assert.equal((await app.plane()).table?.share, 2_500);
}

async function putBack(more: readonly string[] = [], cwd = app.folder): Promise<Document> {
  const { code, stdout, stderr } = await app.tidegate(["rollback", "--now", "--json", ...more], { cwd });
  assert.equal(code, 10, stdout + stderr);
  const { table } = await app.plane();
  assert.equal(table?.share, 0);
  return JSON.parse(stdout) as Document;
}

async function kill(): Promise<Ended> {
  engine.kill("SIGKILL");
  return await engine.ended;
}

function takeJournalAway(): void {
  for (const file of journalFiles()) renameSync(file, `${file}.away`);
}

function giveJournalBack(): void {
  for (const file of journalFiles().filter((each) => !each.endsWith(".away"))) rmSync(file);
  for (const file of journalFiles()) renameSync(file, file.replace(/\.away$/, ""));
}

function journalFiles(): readonly string[] {
  return readdirSync(app.file(".tidegate"))
    .filter((name) => name.startsWith("journal.db"))
    .map((name) => app.file(".tidegate", name));
}

/** By what the journal tells: decided, told late, undone in the order of undoing, and once each. */
async function assertRolledBack(release: number): Promise<void> {
  const status = await app.status(release);
  assert.equal(status.state, "rolled-back");
  const events = await assertReplayEquals(app, status);
  const late = ofType(events, "emergency-noted-late");
  assert.equal(late.length, 1);
  assert.equal(late[0]?.emergency.fromShare, 2_500);
  assert.deepEqual(
    ofType(events, "effect-confirmed")
      .map(({ key }) => key.split("/").slice(1))
      .filter(([within]) => within === "undo")
      .map(([, , name]) => name),
    ["share-to-stable", "undo-01-beside", "gather-evidence", "stop-candidate", "settle-stable"],
  );
  assert.equal(status.rollback?.undone[0]?.name, "put-back-early");
  assert.equal(readFileSync(app.file(".tidegate", "said.txt"), "utf8"), "do undo ");
  assert.equal(readFileSync(app.file(".tidegate", "emergency.log"), "utf8").trim(), "", "the file is free again");
  const { instances } = await app.keeper();
  assert.deepEqual(
    instances.filter(({ state }) => state === "running").map(({ spec }) => spec.labels["version"]),
    [status.stable?.version],
  );
}

/** Data plane and keeper answer 412 to the epoch of the engine that was put aside. */
async function assertStaleAreRefused(): Promise<void> {
  const stale = { code: "stale-epoch" };
  const isStale = (error: unknown): boolean => (error as { fault?: typeof stale }).fault?.code === stale.code;
  const { table, epoch: newest } = await app.plane();
  assert.ok(table !== null);
  const epoch = newest - 1;
  const write = { ifRevision: table.revision, table: { ...table, revision: table.revision + 1, epoch, share: 2_500 } };
  await assert.rejects(callControl(app.state.socket("proxy.sock"), "/table", { method: "PUT", body: write }), isStale);
  await assert.rejects(
    callControl(app.state.socket("proxy.sock"), "/renew", { method: "POST", body: { epoch } }),
    isStale,
  );
  const [instance] = (await app.keeper()).instances;
  await assert.rejects(
    callControl(app.state.socket("keeper.sock"), `/instances/${instance?.spec.id ?? ""}?graceMs=1`, {
      method: "DELETE",
      headers: { [EPOCH_HEADER]: String(epoch) },
    }),
    isStale,
  );
  await until("nothing has changed", async () => (await app.plane()).table?.share === 0);
}

function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}
