import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { Status } from "../../src/core/status/status.ts";
import { type App, createApp } from "./support/app.ts";
import type { Command } from "./support/command.ts";
import { assertReplayEquals } from "./support/journal.ts";
import { lastStatus } from "./support/release.ts";
import { type ThirdParty, thirdParty } from "./support/third-party.ts";
import { told } from "./support/told.ts";
import { visit, type Visitors } from "./support/visitors.ts";

const PD_KEY = "R03E-secret-routing-key";

let app: App;
let chat: ThirdParty;
let people: Visitors;
let env: Readonly<Record<string, string>>;
let command: Command;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  chat = opened.use(await thirdParty());
  app = opened.use(await createApp());
  env = { SLACK_URL: chat.url("/services/T0/B0/slack-secret"), PD_KEY };
});

/** `run`: what the plan does before the traffic moves. */
function plan(run: string, hold = "200ms"): string {
  return `
app: shop
services: { web: { run: node server.js, health: { ready: /health, every: 1s, timeout: 1s }, drain: 3s } }
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
notify:
  - slack: "\${SLACK_URL}"
  - webhook: ${chat.url("/hook")}
page:
  pagerduty: { key: "\${PD_KEY}", url: "${chat.url("/pd")}" }
  ack: 1s
  else: { webhook: { boss: "${chat.url("/boss")}" } }
guards: { errors: off, p95: off, restarts: off }
steps:
  - run: ${run}
    else: hold
    name: prepare
  - phase: all
    steps: [{ shift: 50%, for: ${hold} }, { shift: 100%, for: 200ms }]
  - retire
`;
}

const slack = (): readonly string[] =>
  chat.received("/services/T0/B0/slack-secret").map(({ body }) => (JSON.parse(body) as { text: string }).text);
const pager = (): readonly (readonly [string, string])[] =>
  chat.received("/pd/v2/enqueue").map(({ body }) => {
    const { event_action: action, dedup_key: key } = JSON.parse(body) as Record<string, string>;
    return [action ?? "", key ?? ""];
  });

async function statusOf(release: number): Promise<Status> {
  return await app.status(release);
}

describe("people who are told", () => {
  it("hear of a release that goes well twice in Slack: its start, and that it is live", async () => {
    app.plan(plan('"true"'));
    app.version({ name: "v0" });
    const ended = await app.tidegate(["release", "--json"], { env });
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    people = opened.use(visit(app.port));
    assert.deepEqual(
      slack().map((line) => line.split(" · ")[0]),
      ["▶ started", "✔ live"],
    );
    assert.deepEqual(pager(), []);
    assert.deepEqual(lastStatus(ended).untold, []);
  });

  it("are called when a person is needed, somebody else when nobody says that they look after it", async () => {
    app.plan(plan('"exit 3"'));
    app.version({ name: "v1" });
    const ended = await app.tidegate(["release", "--json"], { env });
    // It has stayed until the time to acknowledge was over.
    assert.equal(ended.code, 11, ended.stdout + ended.stderr);
    assert.deepEqual(
      pager().map(([action]) => action),
      ["trigger"],
    );
    const [called] = told(chat, "/boss", 2);
    assert.match(called ?? "", /^needs-person: Nobody has acknowledged this within 1s\. .*exit code 3/);
    assert.equal(told(chat, "/boss", 2).length, 1);
    const { stdout } = await app.tidegate(["status"], { env });
    assert.match(
      stdout.replaceAll(/\s+/g, " "),
      /nobody has acknowledged it yet; somebody else was called\. To look after it: tidegate ack 2/,
    );
  });

  it("and say so with one command, of which the pager hears", async () => {
    const said = await app.tidegate(["ack", "--reason", "looking", "--json"], { env });
    assert.equal(said.code, 0, said.stdout + said.stderr);
    assert.match(said.stdout, /"sentence":"Acknowledged by ann, and nobody else is called for it: /);
    assert.deepEqual(
      pager().map(([action]) => action),
      ["trigger", "acknowledge"],
    );
    const { alerts } = await statusOf(2);
    assert.deepEqual(
      alerts.map(({ acknowledged }) => [acknowledged?.by, acknowledged?.reason]),
      [["ann", "looking"]],
    );
    const again = await app.tidegate(["ack", "2"], { env });
    assert.deepEqual([again.code, again.stdout], [0, "Acknowledged by ann already.\n"]);
  });

  it("are told that it is over, under the same key", async () => {
    const undone = await app.tidegate(["rollback", "--yes", "--json"], { env });
    assert.equal(undone.code, 0, undone.stdout + undone.stderr);
    assert.deepEqual(
      pager().map(([action]) => action),
      ["trigger", "acknowledge", "resolve"],
    );
    assert.equal(new Set(pager().map(([, key]) => key)).size, 1);
    assert.match(slack().at(-1) ?? "", /^✖ rolled back · .*Rolled back by ann/);
    await assertReplayEquals(app, lastStatus(undone));
  });
});

describe("an engine that is killed while Slack has a message in its hands", () => {
  before(async () => {
    app.plan(plan('"true"', "10m"));
    app.version({ name: "v2" });
    chat.answer("/services/T0/B0/slack-secret", "hang");
    chat.answer("/hook", "hang");
    const before = slack().length;
    command = app.start(["release", "--json"], { env });
    await chat.gets("Slack is told", "/services/T0/B0/slack-secret", () => slack().length > before);
    await chat.gets("the webhook is told", "/hook", ({ body }) => body.includes('"release":3'));
    command.kill("SIGKILL");
    await command.ended;
    chat.answer("/services/T0/B0/slack-secret", 200);
    chat.answer("/hook", 200);
  });

  it("makes nobody hear twice: who knows a message by its key is told again, Slack is not, and that is said", async () => {
    const before = slack().length;
    const undone = await app.tidegate(["rollback", "3", "--yes", "--json"], { env });
    assert.equal(undone.code, 0, undone.stdout + undone.stderr);
    assert.deepEqual(
      slack()
        .slice(before)
        .map((line) => line.split(" · ")[0]),
      ["✖ rolled back"],
    );
    const keys = chat
      .received("/hook")
      .filter(({ body }) => body.includes('"release":3') && body.includes('"topic":"started"'))
      .map(({ headers }) => headers["idempotency-key"]);
    assert.deepEqual([keys.length, new Set(keys).size], [2, 1]);
    const { untold } = lastStatus(undone);
    assert.deepEqual(
      untold.map(({ receiver, topic, isTriedAgain }) => [receiver, topic, isTriedAgain]),
      [["slack", "started", false]],
    );
    const { stdout } = await app.tidegate(["status", "3"], { env });
    assert.match(
      stdout.replaceAll(/\s+/g, " "),
      /Not told, slack of "started": It may not have arrived: the engine ended/,
    );
  });
});

describe("tidegate notify test", () => {
  it("tells each receiver, calls nobody unless asked to, and says what came of it", async () => {
    const before = pager().length;
    chat.answer("/hook", 404);
    const tried = await app.tidegate(["notify", "test"], { env });
    assert.equal(tried.code, 3, tried.stdout + tried.stderr);
    assert.match(tried.stdout, /^. slack: took the message$/m);
    assert.match(tried.stdout, /^. webhook: The webhook "webhook" did not take the message "shop production test"\.$/m);
    assert.match(tried.stdout, /^ {2}cause {2}it answers 404: out of order$/m);
    assert.equal(pager().length, before);
    const called = await app.tidegate(["notify", "test", "pagerduty", "--page", "--json"], { env });
    assert.equal(called.code, 0, called.stdout + called.stderr);
    assert.deepEqual(
      pager()
        .slice(before)
        .map(([action]) => action),
      ["trigger", "resolve"],
    );
    const unknown = await app.tidegate(["notify", "test", "pagerduty"], { env });
    assert.match(unknown.stderr, /it stands under page: add --page/);
  });

  it("is not what the doctor does, who only looks", async () => {
    const before = slack().length;
    const { stdout } = await app.tidegate(["doctor"], { env });
    assert.match(
      stdout.replaceAll(/\s+/g, " "),
      /messages to slack, webhook, pagerduty, boss, by their settings; nothing was sent/,
    );
    assert.match(stdout.replaceAll(/\s+/g, " "), /who acknowledges in PagerDuty is not seen here/);
    assert.equal(slack().length, before);
  });
});

it("no secret is in the journal, nobody's request failed, and nothing is left behind", async () => {
  await people.leave();
  assert.deepEqual(people.visits.failures, []);
  const journal = readFileSync(app.file(".tidegate", "journal.db")).toString("latin1");
  for (const secret of [PD_KEY, "slack-secret"]) assert.ok(!journal.includes(secret), secret);
  await app.down();
});
