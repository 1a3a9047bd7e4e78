import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Status } from "../../src/core/status/status.ts";
import { type App, createApp } from "./support/app.ts";
import type { Ended } from "./support/command.ts";
import { eventsOf, ofType } from "./support/journal.ts";
import { faultOf, lastStatus, releaseWell } from "./support/release.ts";

const BASE = `
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off, restarts: off }
people: { ann: [developer], bob: [approver], dan: [approver] }
`;
const TWO = "  - approve: { role: approver, count: 2 }\n";

let app: App;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  plan("");
  app.version({ name: "v0" });
  await releaseWell(app);
});

describe("an approval holds for one plan and one version alone", () => {
  let waiting: Status;

  before(async () => {
    plan(TWO);
    app.version({ name: "v2" });
    const ended = await app.tidegate(["release", "--json"]);
    assert.equal(ended.code, 11, ended.stdout + ended.stderr);
    assert.match(lastStatus(ended).hold?.sentence ?? "", /^Waits for approval: 0 of 2/);
    const bobs = await approve("bob");
    assert.equal(bobs.code, 11, bobs.stdout + bobs.stderr);
    waiting = lastStatus(bobs);
  });

  it("counts each person once", async () => {
    assert.match(waiting.hold?.sentence ?? "", /^Waits for approval: 1 of 2 by a person with the role approver\.$/);
    const again = await approve("bob");
    assert.equal(again.code, 0);
    assert.match(again.stdout, /bob has approved .* already/);
  });

  it("is void for a changed version: it must be asked for anew", async () => {
    app.version({ name: "v3" });
    await mustBeApprovedAnew(2);
  });

  it("is void for a changed plan with the same version", async () => {
    assert.equal((await approve("bob")).code, 11);
    plan(TWO, 400);
    await mustBeApprovedAnew(3);
    assert.equal((await approve("bob")).code, 11);
    const ended = await approve("dan");
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.deepEqual(
      ofType(await eventsOf(app, lastStatus(ended).release), "approved").map(({ by }) => by),
      ["bob", "dan"],
    );
  });

  async function mustBeApprovedAnew(release: number): Promise<void> {
    const ended = await app.tidegate(["release", "--supersede", "--yes", "--json"]);
    assert.equal(ended.code, 11, ended.stdout + ended.stderr);
    const status = lastStatus(ended);
    assert.equal(status.release, release + 1);
    assert.match(status.hold?.sentence ?? "", /^Waits for approval: 0 of 2/);
    assert.equal((await app.status(release)).state, "rolled-back");
    assert.equal(faultOf(await approve("dan", "--release", String(release))).code, "release-ended");
  }
});

it("leaves nothing behind", () => app.down());

function approve(person: string, ...words: readonly string[]): Promise<Ended> {
  return app.tidegate(["approve", ...words, "--yes", "--json"], { env: { TIDEGATE_USER: person } });
}

function plan(approvals: string, holdMs = 300): void {
  app.plan(`${BASE}steps:\n${approvals}  - shift: 100%\n    for: ${holdMs}ms\n`);
}
