import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type App, createApp } from "./support/app.ts";
import type { Ended } from "./support/command.ts";
import { assertReplayEquals, eventsOf, ofType } from "./support/journal.ts";
import { faultOf, lastStatus, releaseWell } from "./support/release.ts";
import { visit, type Visitors } from "./support/visitors.ts";

let app: App;
let people: Visitors;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  app.plan(`
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, depends: /deps, every: 1s, timeout: 1s }
    drain: 3s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off, restarts: off }
people: { ann: [developer], bob: [approver] }
steps:
  - shift: 100%
    for: 300ms
  - approve: approver
    name: day-1
    after: 24h
  - retire
`);
  app.version({ name: "v0" });
  await releaseWell(app);
  people = opened.use(visit(app.port));
  app.version({ name: "v1" });
  assert.equal((await releaseWell(app)).state, "live");
});

describe("a release that is live and waits for its sign-off of day 1", () => {
  it("says when that is due, what serves, and how that and what it depends on is", async () => {
    const { current, state } = await app.status();
    assert.deepEqual([state, current?.name, current?.waitsFor], ["live", "day-1", "start-time"]);
    const hours = (current?.nextDecisionInMs ?? 0) / 3_600_000;
    assert.ok(hours > 23 && hours <= 24, `${hours} hours`);
    const { stdout } = await app.tidegate(["status"]);
    assert.match(stdout, /^ {2}later day-1 \(due in 23h/m);
    assert.match(stdout, /web-green-0-\w+ .* ready: 200 fine\n {4}dependencies not well: 503 the database is away\n/);
    const { instances } = JSON.parse((await app.tidegate(["status", "--json"])).stdout) as {
      instances: readonly { readonly health: unknown; readonly depends: { ok: boolean; text: string } }[];
    };
    assert.deepEqual(
      instances.map(({ depends: { ok, text } }) => [ok, text]),
      [
        [false, "503 the database is away"],
        [false, "503 the database is away"],
      ],
    );
  });

  it("is not signed off before that day", async () => {
    const early = await as("bob", "approve", "day-1");
    assert.equal(early.code, 3, early.stdout + early.stderr);
    assert.equal(faultOf(early).code, "not-due");
    assert.match(faultOf(early).what, /^"day-1" can be approved 1d after the release went live: in 23h/);
  });
});

describe("a hotfix", () => {
  it("goes out beside it, after its standby was retired, and says so", async () => {
    app.version({ name: "hotfix" });
    const ended = await app.tidegate(["release"]);
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    await people.seen("hotfix", 20);
    const older = await eventsOf(app, 2);
    assert.deepEqual(ofType(older, "retirement-brought-forward"), [{ type: "retirement-brought-forward", for: 3 }]);
    const retiredAt = older.find(({ event }) => event.type === "effect-confirmed" && event.key.endsWith("/settle"));
    const plannedAt = (await eventsOf(app, 3))[0]?.at.wall ?? 0;
    assert.ok((retiredAt?.at.wall ?? Infinity) <= plannedAt, "its slot is free before the hotfix is planned");
    const { stable, state } = await app.status(3);
    assert.equal(state, "live");
    assert.equal(stable?.version, (await app.status(2)).candidate.version);
    await assertReplayEquals(app, await app.status(2));
  });

  it("leaves the older sign-off standing, but takes its rollback away, with the way to go instead", async () => {
    const { state, current } = await app.status(2);
    assert.deepEqual([state, current?.name], ["live", "day-1"]);
    const refused = await as("ann", "rollback", "2");
    assert.equal(refused.code, 3, refused.stdout + refused.stderr);
    assert.deepEqual([faultOf(refused).code, faultOf(refused).fix], ["release-followed", "tidegate rollback 3"]);
  });

  it("goes back to the release that it was put beside", async () => {
    const undone = await as("ann", "rollback", "3");
    assert.equal(undone.code, 0, undone.stdout + undone.stderr);
    assert.equal(lastStatus(undone).state, "rolled-back");
    await people.seen("v1", 20);
    const others = Object.entries(await people.sample(20)).filter(([name, count]) => name !== "v1" && count > 0);
    assert.deepEqual(others, []);
  });
});

it("nobody's request failed in all of this, and nothing is left behind", async () => {
  await people.leave();
  assert.deepEqual(people.visits.failures, []);
  await app.down();
});

function as(person: string, ...words: readonly string[]): Promise<Ended> {
  return app.tidegate([...words, "--yes", "--json"], { env: { TIDEGATE_USER: person } });
}
