import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Status } from "../../src/core/status/status.ts";
import { type App, createApp } from "./support/app.ts";
import type { Command } from "./support/command.ts";
import { assertReplayEquals, confirmations, eventsOf, ofType } from "./support/journal.ts";
import { lastStatus } from "./support/release.ts";
import { visit, type Visitors } from "./support/visitors.ts";

const DIE_AT = fileURLToPath(new URL("support/die-at.ts", import.meta.url));

/** Around which commit of the journal the engine dies. */
const PLACES = [
  { die: "after planned", goOn: "attach" },
  { die: "after effect-requested prepare", goOn: "attach" },
  { die: "after effect-requested start", goOn: "serve" },
  { die: "before effect-confirmed start", goOn: "attach" },
  { die: "after effect-confirmed start", goOn: "attach" },
  { die: "after effect-requested smoke-front-door", goOn: "attach" },
  { die: "after effect-requested share", goOn: "attach" },
  { die: "before effect-confirmed share", goOn: "attach" },
  { die: "after effect-confirmed share", goOn: "serve" },
  { die: "before step-passed shift-50", goOn: "attach" },
  { die: "after step-started shift-100", goOn: "attach" },
  { die: "after effect-requested stop-standby", goOn: "serve" },
  { die: "before effect-confirmed stop-standby", goOn: "attach" },
] as const;

let app: App;
let people: Visitors;
let release = 0;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  app.plan(PLAN(app, "ask"));
  app.version({ name: "v0" });
  const first = await app.tidegate(["release", "--json"]);
  assert.equal(first.code, 0, first.stdout + first.stderr);
  release = 1;
  people = opened.use(visit(app.port));
});

describe("a release whose engine is killed goes on where it was, and nobody's request fails", () => {
  for (const { die, goOn } of PLACES) {
    it(`killed ${die}, then ${goOn}`, async () => {
      const name = nextVersion();
      const visits = people.since();
      await releaseAndDie(die);
      await people.sample(10);

      const status = goOn === "attach" ? await attach() : await serveUntilClosed();

      await people.seen(name, 20);
      assert.equal(status.state, "closed");
      assert.equal(status.sharePercent, 100);
      assert.ok(
        status.steps.every(({ state }) => state === "passed"),
        JSON.stringify(status.steps),
      );
      await assertDoneOnce(name, status);
      assert.deepEqual(visits().failures, []);
      assert.deepEqual(await runningVersions(), [status.candidate.version]);
    });
  }
});

it("a request that nobody answered begins no second release, and supersedes not its own", async () => {
  const name = nextVersion();
  await releaseAndDie("after planned", "--supersede", "--yes");
  const status = await attach();
  assert.equal(status.state, "closed");
  await assertDoneOnce(name, status);
  assert.deepEqual(await eventsOf(app, release + 1), []);
});

describe("a command of the user's that may have been done when the engine died", () => {
  it("waits for a person, and `retry` runs it where it was not done", async () => {
    const name = nextVersion();
    await releaseAndDie("after effect-requested command");
    assert.deepEqual(commandsRun(name), []);

    const held = await app.tidegate(["attach", "--json"]);
    assert.equal(held.code, 11, "waiting for a person");
    const { hold } = lastStatus(held);
    assert.match(hold?.sentence ?? "", /Nobody knows whether "run mark" was done/);
    assert.equal(hold?.needsPerson, true);

    const retried = await app.tidegate(["retry", "--yes", "--json"]);
    assert.equal(retried.code, 0, retried.stdout + retried.stderr);
    await people.seen(name, 5);
    assert.deepEqual(commandsRun(name), [name]);
    await assertDoneOnce(name, lastStatus(retried));
  });

  it("waits for a person, and `promote` goes on where it was done", async () => {
    const name = nextVersion();
    await releaseAndDie("before effect-confirmed command");
    assert.deepEqual(commandsRun(name), [name], "it was done, and nobody wrote that down");

    const held = await app.tidegate(["attach", "--json"]);
    assert.equal(held.code, 11);

    const promoted = await app.tidegate(["promote", "--yes", "--json"]);
    assert.equal(promoted.code, 0, promoted.stdout + promoted.stderr);
    await people.seen(name, 5);
    assert.deepEqual(commandsRun(name), [name], "once, although the engine died over it");
    const events = await assertReplayEquals(app, lastStatus(promoted));
    assert.equal(ofType(events, "promoted").length, 1);
  });

  it("is simply run again where the plan says that this is safe", async () => {
    const name = nextVersion();
    app.plan(PLAN(app, "safe"));
    await releaseAndDie("before effect-confirmed command");

    const status = await attach();

    assert.equal(status.state, "closed");
    assert.deepEqual(commandsRun(name), [name, name]);
    const confirmed = confirmations(await eventsOf(app, release));
    assert.equal(confirmed[`${release}/01-run-mark/1/command`], 1);
  });
});

it("was never seen by anybody outside: no request failed in all these deaths", () => {
  assert.deepEqual(people.visits.failures, []);
  assert.ok(people.visits.requests > 500, `${people.visits.requests} requests`);
});

it("leaves nothing running behind", async () => {
  await people.leave();
  await app.down();
});

/** Commits the version after this one; its release has the next number. */
function nextVersion(): string {
  release += 1;
  const name = `v${release - 1}`;
  app.version({ name });
  return name;
}

async function releaseAndDie(where: string, ...more: readonly string[]): Promise<void> {
  const engine = app.start(["release", "--json", ...more], { env: { DIE_AT: where }, node: ["--import", DIE_AT] });
  const { signal, stdout, stderr } = await engine.ended;
  assert.equal(signal, "SIGKILL", `it died of its own death: ${where}\n${stdout}${stderr}`);
}

async function attach(): Promise<Status> {
  const attached = await app.tidegate(["attach", "--json"]);
  assert.equal(attached.code, 0, attached.stdout + attached.stderr);
  return lastStatus(attached);
}

async function serveUntilClosed(): Promise<Status> {
  const serving: Command = app.start(["serve", "--json"]);
  await serving.says("the release is closed", ({ type, release: id }) => type === "closed" && id === release);
  const status = await app.status(release);
  serving.kill("SIGTERM");
  assert.equal((await serving.ended).code, 0);
  return status;
}

async function assertDoneOnce(name: string, status: Status): Promise<void> {
  const events = await assertReplayEquals(app, status);
  const twice = Object.entries(confirmations(events)).filter(([, times]) => times > 1);
  assert.deepEqual(twice, []);
  assert.deepEqual(commandsRun(name), [name]);
  assert.deepEqual(linesOf("started.txt", name), [name], "each instance is started once");
  assert.equal(ofType(events, "step-started").length, status.steps.length, "each step begins once");
}

function commandsRun(name: string): readonly string[] {
  return linesOf("commands.txt", name);
}

function linesOf(file: string, name: string): readonly string[] {
  if (!existsSync(app.file(".tidegate", file))) return [];
  return readFileSync(app.file(".tidegate", file), "utf8")
    .split("\n")
    .filter((line) => line === name);
}

async function runningVersions(): Promise<readonly (string | undefined)[]> {
  const { instances } = await app.keeper();
  return instances.filter(({ state }) => state === "running").map(({ spec }) => spec.labels["version"]);
}

function PLAN({ state }: App, repeat: "ask" | "safe"): string {
  return `
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
    env: { START_LOG: "${state.file("started.txt")}" }
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off, restarts: off }
steps:
  - run: node -p "require('./behaviour.json').name" >> "${state.file("commands.txt")}"
    name: run mark
    repeat: ${repeat}
  - smoke: [GET /]
  - shift: 50%
    for: 400ms
  - shift: 100%
    for: 400ms
  - retire
`;
}
