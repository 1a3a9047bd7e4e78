import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type App, createApp } from "./support/app.ts";
import type { Command, Ended } from "./support/command.ts";
import { assertReplayEquals, ofType } from "./support/journal.ts";
import { faultOf, lastStatus, releaseWell } from "./support/release.ts";
import { type ThirdParty, thirdParty } from "./support/third-party.ts";

const BASE = `
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off, restarts: off }
people: { ann: [developer, approver], bob: [approver], cat: [qa], dan: [approver] }
`;
const SHIFT = "  - shift: 100%\n    for: 300ms\n";

let app: App;
let staging: ThirdParty;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  staging = opened.use(await thirdParty());
  app = opened.use(await createApp());
  app.plan(`${BASE}steps:\n${SHIFT}`);
  app.version({ name: "v0" });
  await releaseWell(app);
});

describe("a checklist, a window and an approval in one plan", () => {
  let last: Ended;

  it("machines tick what they can, the rest waits for people, and status names it", async () => {
    app.write("checklists/production.md", CHECKLIST.replace("STAGING", staging.url("/health")));
    app.write("CHANGELOG.md", "# 2.4.0\n\n- round totals\n");
    app.plan(`${BASE}steps:
  - check: checklists/production.md
  - window: ${JSON.stringify(daily(-2, 2))}
  - approve: approver
${SHIFT}`);
    app.version({ name: "v1" });
    last = await app.tidegate(["release", "--json"]);
    assert.equal(last.code, 11, last.stdout + last.stderr);
    const { hold, current, sharePercent, state } = lastStatus(last);
    assert.deepEqual({ state, sharePercent, waitsFor: current?.waitsFor }, RUNNING_AT_NOTHING);
    assert.equal(
      hold?.sentence,
      '2 of 7 items of checklists/production.md wait for a person, the first: "The soak test ran for 24 hours".',
    );
    const details = documentsOf(last, "effect-confirmed")
      .filter(({ key }) => String(key).includes("/check-"))
      .map(({ observed }) => (observed as { detail: string }).detail);
    assert.match(details.join("\n"), /\/health answers 200 .*"all is well"/);
    assert.equal(details.length, 4, details.join("\n"));
    assert.equal(staging.received("/health").length, 1);
    const { stdout } = await app.tidegate(["status"]);
    assert.match(stdout, /Held at 0%: 2 of 7 items/);
    assert.match(stdout, /tidegate approve --item production\/people\/the-soak-test-ran-for-24-hours/);
  });

  it("who lacks the role may not tick, and nobody ticks what a machine checks", async () => {
    const soak = await approve("ann", "--item", "The soak test ran for 24 hours");
    assert.equal(soak.code, 3);
    const { code, what, fix } = faultOf(soak);
    assert.deepEqual({ code, fix }, { code: "role-missing", fix: "ask cat" });
    assert.match(what, /^ann has not the role "qa"/);
    assert.equal(faultOf(await approve("cat", "--item", "Staging answers")).code, "item-checked-by-machine");
    const unknown = await approve("cat", "--item", "Something else");
    assert.equal(unknown.code, 2);
    assert.match(faultOf(unknown).fix ?? "", /open items: production\/people\/the-soak-test/);
  });

  it("people tick theirs one by one, and the release goes on to the approval by itself", async () => {
    const first = await approve("cat", "--item", "The soak test ran for 24 hours", "--reason", "2 alerts, both known");
    assert.equal(first.code, 11, first.stdout + first.stderr);
    assert.match(lastStatus(first).hold?.sentence ?? "", /^1 of 7 items .* the first: "Somebody has looked at it"\.$/);
    last = await approve("ann", "--item", "production/people/somebody-has-looked-at-it");
    assert.equal(last.code, 11);
    const status = lastStatus(last);
    assert.equal(status.hold?.sentence, "Waits for a person with the role approver to approve.");
    assert.deepEqual(
      status.steps.slice(0, 3).map(({ kind, state }) => [kind, state]),
      [
        ["check", "passed"],
        ["window", "passed"],
        ["approve", "running"],
      ],
    );
  });

  it("nobody approves a release of their own, nor without the role, nor one that is no longer asked for", async () => {
    const own = await approve("ann");
    assert.equal(own.code, 3);
    assert.deepEqual([faultOf(own).code, faultOf(own).fix], ["own-release", "ask bob or dan"]);
    const stranger = await approve("eve");
    assert.deepEqual([faultOf(stranger).code, faultOf(stranger).fix], ["role-missing", "ask bob or dan"]);
    const old = await approve("bob", "--release", "1");
    assert.equal(faultOf(old).code, "release-ended");
  });

  it("an approval goes through to the end, and the journal says who signed what", async () => {
    const ended = await approve("bob", "--reason", "looks right");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const status = lastStatus(ended);
    assert.equal(status.state, "closed");
    const events = await assertReplayEquals(app, status);
    const [approved] = ofType(events, "approved");
    const [planned] = ofType(events, "planned");
    assert.deepEqual(
      [approved?.by, approved?.own, approved?.reason, approved?.planHash, approved?.version],
      ["bob", false, "looks right", planned?.planHash, planned?.candidate.version],
    );
    assert.deepEqual(
      ofType(events, "item-ticked").map(({ item, by }) => [item.split("/").at(-1), by]),
      [
        ["the-soak-test-ran-for-24-hours", "cat"],
        ["somebody-has-looked-at-it", "ann"],
      ],
    );
  });
});

describe("a checklist that is not so", () => {
  it("stops the release before anything of it has started, and says what was found", async () => {
    staging.answer("/health", 503);
    app.plan(`${BASE}steps:\n  - check: checklists/production.md\n    timeout: 1s\n${SHIFT}`);
    app.version({ name: "v4" });
    const ended = await app.tidegate(["release", "--json"]);
    assert.equal(ended.code, 10, ended.stdout + ended.stderr);
    const { rollback } = lastStatus(ended);
    assert.match(rollback?.sentence ?? "", /\/health answers 503 in \d+ms, expected 200/);
    assert.deepEqual(
      documentsOf(ended, "effect-started").filter(({ effect }) => effect === "start"),
      [],
    );
  });
});

describe("a window that is shut", () => {
  let engine: Command;
  before(() => {
    app.plan(`${BASE}steps:\n  - window: ${JSON.stringify(daily(3, 5))}\n${SHIFT}`);
    app.version({ name: "v5" });
    engine = app.start(["release", "--json"]);
  });

  it("holds, says when it opens, and needs nobody for that", async () => {
    const held = await engine.says("it is held", ({ type }) => type === "held");
    assert.equal(held["needsPerson"], false);
    assert.match(String(held["sentence"]), /^The window daily \S+ UTC opens \w{3} \d\d:00 \(UTC\)\.$/);
    const { current, state, sharePercent } = await app.status();
    assert.deepEqual({ state, sharePercent, waitsFor: current?.waitsFor }, { ...RUNNING_AT_NOTHING, waitsFor: "time" });
    const hours = (current?.nextDecisionInMs ?? 0) / 3_600_000;
    assert.ok(hours > 1.9 && hours <= 3, `${hours} hours`);
    const { stdout } = await app.tidegate(["status"]);
    assert.match(stdout, /Held at 0%: The window daily .* opens \w{3} \d\d:00 \(UTC\)\.\s+Next decision in [23]h/);
  });

  it("lets a person go first who says why", async () => {
    const promoted = await app.tidegate(["promote", "--yes", "--json", "--reason", "an incident"], as("bob"));
    assert.equal(promoted.code, 0, promoted.stdout + promoted.stderr);
    const ended = await engine.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.equal(lastStatus(ended).state, "closed");
  });
});

it("leaves nothing behind", () => app.down());

const RUNNING_AT_NOTHING = { state: "running", sharePercent: 0, waitsFor: "person" };

const CHECKLIST = `# Production

## Machines

- [ ] Staging answers <!-- check: http STAGING status 200 contains "all is well" -->
- [ ] Lint is clean <!-- check: command node --check server.js -->
- [ ] The change is described <!-- check: file CHANGELOG.md contains "2.4.0" -->
* [ ] There is room
      <!-- check: disk . 1 MB free -->

## People

- [x] Legal has agreed
- [ ] The soak test ran for 24 hours <!-- role: qa -->
1. [ ] Somebody has looked at it
`;

function approve(person: string, ...words: readonly string[]): Promise<Ended> {
  return app.tidegate(["approve", ...words, "--yes", "--json"], as(person));
}

function as(person: string): { readonly env: Readonly<Record<string, string>> } {
  return { env: { TIDEGATE_USER: person } };
}

/** Every day, from so many whole hours from now on. */
function daily(from: number, to: number): string {
  const hour = (ahead: number): string => {
    const at = new Date(Date.now() + ahead * 3_600_000);
    return `${String(at.getUTCHours()).padStart(2, "0")}:00`;
  };
  return `daily ${hour(from)}-${hour(to)} UTC`;
}

function documentsOf({ stdout }: Ended, type: string): readonly Readonly<Record<string, unknown>>[] {
  return stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>)
    .filter((document) => document["type"] === type);
}
