import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Crowd } from "./support/crowd.ts";
import { lookAlikePlace, SETTINGS, visitLookAlike } from "./support/look-alike.ts";
import type { PublishedPlace } from "./support/published-place.ts";
import { lastStatus } from "./support/release.ts";

/** The short stand-in for test/long/node-red.test.ts, which releases a real one. */
describe("a published server, nothing of it changed, without a git repository", () => {
  let place: PublishedPlace;

  before(async () => {
    place = await lookAlikePlace(["1.0.0", "2.0.0"]);
  });
  after(() => place[Symbol.asyncDispose]());

  it("starts, and goes from one version to the next with no failed request and no cut WebSocket", async () => {
    const first = await place.tidegate(["release", "1.0.0", "--json"]);
    assert.equal(first.code, 0, first.stdout + first.stderr);
    await using visitors = visitLookAlike(place.port);
    await visitors.connected();
    const second = await place.tidegate(["release", "2.0.0", "--json"]);
    assert.equal(second.code, 0, second.stdout + second.stderr);
    assert.equal(lastStatus(second).state, "closed");
    await visitors.connected();
    await visitors.more(100);
    const seen = await visitors.leave();
    assert.deepEqual(seen.failures, []);
    assert.deepEqual(Object.keys(seen.versions), ["1.0.0", "2.0.0"]);
    assert.equal(seen.fellBack, 0, "no browser went back to the old version");
    assert.equal(seen.goodbyes[1001], 3, "each WebSocket was asked to go when the old version was retired");
    assert.ok(seen.socketMessages > 0);
  });

  it("refuses a version that does not exist, with what the package manager said, before it gets traffic", async () => {
    await using visitors = visitLookAlike(place.port);
    const ended = await place.tidegate(["release", "9.9.9"]);
    assert.equal(ended.code, 10, ended.stdout + ended.stderr);
    assert.match(ended.stdout, /✖ ROLLED BACK at 0%: The prepare of web ended with code \d+/);
    assert.match(ended.stdout, /ENOENT: no such file or directory, open '.*look-alike-9\.9\.9\.tgz'/);
    await onlyServes(visitors, "2.0.0");
  });

  it("refuses a version whose start breaks, with the line that is wrong, before it gets traffic", async () => {
    place.write("user/settings.js", SETTINGS.replace('"hello",', '"hello"'));
    await using visitors = visitLookAlike(place.port);
    const ended = await place.tidegate(["release", "1.0.0"]);
    assert.equal(ended.code, 10, ended.stdout + ended.stderr);
    assert.match(ended.stdout, /✖ ROLLED BACK at 0%: web-\w+-0-1\.0\.0 exited with code 1/);
    assert.match(ended.stdout, /user\/settings\.js:3\n/);
    assert.match(ended.stdout, /SyntaxError: Unexpected identifier 'readyAfterMs'/);
    await onlyServes(visitors, "2.0.0");
    place.write("user/settings.js", SETTINGS);
  });

  it("goes back by starting the version before, and leaves nothing when it is told to stop", async () => {
    await using visitors = visitLookAlike(place.port);
    const back = await place.tidegate(["rollback", "2", "--yes", "--reason", "the old one was better"]);
    assert.equal(back.code, 0, back.stdout + back.stderr);
    const fresh = visitors.since();
    await visitors.more(100);
    assert.deepEqual(Object.keys(fresh()), ["1.0.0"]);
    assert.deepEqual((await visitors.leave()).failures, []);
    await place.down();
  });

  async function onlyServes(visitors: Crowd, version: string): Promise<void> {
    await visitors.more(100);
    const seen = await visitors.leave();
    assert.deepEqual(seen.failures, []);
    assert.deepEqual(Object.keys(seen.versions), [version]);
  }
});
