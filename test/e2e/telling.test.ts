import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { type App, createApp } from "./support/app.ts";
import { assertReplayEquals, ofType } from "./support/journal.ts";
import { lastStatus, releaseWell } from "./support/release.ts";
import { type ThirdParty, thirdParty } from "./support/third-party.ts";
import { told } from "./support/told.ts";
import { visit, type Visitors } from "./support/visitors.ts";

const WARNING = "{ errors: { warn: '> 1%', rollback: '> 95%', window: 10s, minRequests: 30, breaches: 1 }, p95: off }";

let app: App;
let people: Visitors;
let chat: ThirdParty;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  chat = opened.use(await thirdParty());
  app = opened.use(await createApp());
  app.plan(plan());
  app.version({ name: "v0" });
  await releaseWell(app);
  people = opened.use(visit(app.port));
});

describe("whoever wants to know what a release does", () => {
  it("is told by webhook, each once: start, what a step says, phases, limits that only warn, live", async () => {
    app.version({ name: "v1", fails: 0.4 });
    const { candidate } = await releaseWell(app);
    const heard = told(chat, "/chat", 2);
    const warnings = heard.filter((line) => line.startsWith("warning: "));
    assert.deepEqual(heard.filter((line) => !warnings.includes(line)).toSorted(), [
      `announcement: ${candidate.label} is on its way`,
      `live: ${candidate.label} is live.`,
      "phase: canary begins: real traffic, early.",
      "started: Release 2 started by ann.",
    ]);
    assert.match(warnings[0] ?? "", /^warning: errors \d+% \(\d+\/\d+\) against 0%.*, limit 1%\.$/);
    assert.equal(told(chat, "/second", 2).length, heard.length - 1, "what the step says was for the chat alone");
    const message = JSON.parse(chat.received("/chat").at(-1)?.body ?? "{}") as Readonly<Record<string, unknown>>;
    assert.deepEqual([message["app"], message["environment"]], ["shop", "production"]);
    assert.match(String(message["text"]), /^shop production · release 2 · /);
  });

  it("is told of a rollback too, after what the release did was undone, last first", async () => {
    const undone = await app.tidegate(["rollback", "--yes", "--json", "--reason", "odd carts"]);
    assert.equal(undone.code, 0, undone.stdout + undone.stderr);
    assert.deepEqual(
      told(chat, "/chat", 2).filter((line) => line.startsWith("rolled-back")),
      ["rolled-back: Rolled back at 100%: Rolled back by ann: odd carts."],
    );
    const lines = readFileSync(app.file(".tidegate", "commands.txt"), "utf8").split("\n").filter(Boolean);
    assert.deepEqual(lines.slice(-4), ["v1 do one", "v1 do two", "v1 undo two", "v1 undo one"]);
    const events = await assertReplayEquals(app, lastStatus(undone));
    const confirmed = ofType(events, "effect-confirmed").map(({ key }) => key.split("/"));
    const undo = confirmed.filter(([, within]) => within === "undo").map(([, , , name]) => name);
    assert.deepEqual(undo, [
      "share-to-stable",
      "undo-05-two",
      "undo-02-one",
      "gather-evidence",
      "stop-candidate",
      "settle-stable",
    ]);
  });

  it("never hears twice of what it was told, whoever acts next", async () => {
    const before = chat.received("/chat").length;
    app.plan(plan("300ms", "{ errors: off, p95: off }"));
    app.version({ name: "v2" });
    await releaseWell(app);
    const releases = chat
      .received("/chat")
      .slice(before)
      .map(({ body }) => /"release":(\d+)/.exec(body)?.[1]);
    assert.deepEqual([...new Set(releases)], ["3"]);
  });
});

it("nobody's request failed in all of this, and nothing is left behind", async () => {
  await people.leave();
  assert.deepEqual(people.visits.failures, []);
  await app.down();
});

function plan(canary = "4s", guards = WARNING): string {
  const say = (line: string): string =>
    `node -e "fs.appendFileSync('.tidegate/commands.txt', require('./behaviour.json').name + ' ${line}\\n')"`;
  return `
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
notify: { webhook: { chat: "${chat.url("/chat")}", second: "${chat.url("/second")}" } }
guards: ${guards}
steps:
  - notify: \${version} is on its way
    to: chat
  - run: ${JSON.stringify(say("do one"))}
    undo: ${JSON.stringify(say("undo one"))}
    name: one
  - phase: canary
    objective: real traffic, early
    steps:
      - shift: 50%
        for: ${canary}
  - run: ${JSON.stringify(say("do two"))}
    undo: ${JSON.stringify(say("undo two"))}
    name: two
  - shift: 100%
    for: 300ms
  - approve: anyone
    name: day-1
    after: 24h
`;
}
