import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import type { Fault } from "../../src/core/fault.ts";
import type { Status } from "../../src/core/status/status.ts";
import { type App, createApp } from "../e2e/support/app.ts";
import type { Command, Document, Ended } from "../e2e/support/command.ts";
import { until } from "../support/until.ts";

let app: App;

before(async () => {
  app = await createApp();
  app.plan(PLAN("1s"));
  app.version({ name: "v1" });
});

after(() => app[Symbol.asyncDispose]());

/** Holds for so long at 50 %, and needs no traffic to go on. */
function PLAN(held: string, more = ""): string {
  return `
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 500ms, timeout: 500ms, rise: 1 }
    drain: 1s
traffic: { embedded: \${PORT_OF_FRONT_DOOR}, unwatched: { after: 30s } }
guards: { errors: off, p95: off, restarts: off }
${more}
steps:
  - smoke: [GET /health]
  - shift: 50%
    for: ${held}
  - shift: 100%
    for: 1s
  - retire
`;
}

describe("a release in the foreground", { concurrency: false }, () => {
  it("starts the first version, and tells each step as a line of a log", async () => {
    const { code, stdout, stderr } = await app.tidegate(["release"]);
    assert.equal(code, 0, stdout + stderr);
    assert.match(stdout, /^\d\d:\d\d:\d\d {2}release 1: shop [0-9a-f]{7} production, by ann$/m);
    assert.match(stdout, /^\d\d:\d\d:\d\d {2}✔ start /m);
    assert.match(stdout, /^✔ CLOSED: [0-9a-f]{7} serves all of shop production/m);
    assert.equal(await answer(), "v1");
  });

  it("tells one event a line with --json, the status at last", async () => {
    app.version({ name: "v2" });
    const { code, stdout, stderr } = await app.tidegate(["release", "--json"]);
    assert.equal(code, 0, stdout + stderr);
    assert.equal(stderr, "");
    const documents = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Document);
    const types = documents.map(({ type }) => type);
    assert.equal(types[0], "release-planned");
    assert.equal(types.at(-1), "status");
    for (const type of ["release-started", "step-started", "step-passed", "effect-confirmed", "live", "closed"])
      assert.ok(types.includes(type), type);
    const { status } = documents.at(-1) as unknown as { readonly status: Status };
    assert.equal(status.state, "closed");
    assert.equal(status.sharePercent, 100);
    assert.equal(await answer(), "v2");
  });

  it("says where it is with nobody acting, and what serves", async () => {
    const { code, stdout } = await app.tidegate(["status"]);
    assert.equal(code, 0);
    assert.match(stdout, /✔ CLOSED/);
    assert.match(stdout, /^ {2}✔ web-\w+-0-[0-9a-f]{8} +running +127\.0\.0\.1:\d+ .*ready: 200 fine$/m);
    assert.match(stdout, /^earlier\n +1 {2}[0-9a-f]{7} +closed /m);
    const document = JSON.parse((await app.tidegate(["status", "--json"])).stdout) as Record<string, unknown>;
    assert.deepEqual(Object.keys(document), [
      "status",
      "acting",
      "emergencies",
      "holder",
      "instances",
      "strays",
      "isCutOff",
      "lost",
      "earlier",
    ]);
  });

  it("refuses a version that serves already with 3, and one that there is not with 2", async () => {
    const again = await app.tidegate(["release"]);
    assert.equal(again.code, 3);
    assert.match(again.stderr, /serves already, so there is nothing to release\.$/m);
    const unknown = await app.tidegate(["release", "v9.9.9"]);
    assert.equal(unknown.code, 2);
    assert.doesNotMatch(unknown.stderr, /\n\s+at /);
    assert.equal(await answer(), "v2");
  });

  it("ends with 130 at Ctrl-C, says what that means, and attach goes on", async () => {
    app.plan(PLAN("2s"));
    app.version({ name: "v3" });
    const release = app.start(["release"]);
    await release.tells(/50% of the traffic on/);
    release.kill("SIGINT");
    const { code, stderr } = await release.ended;
    assert.equal(code, 130);
    assert.match(
      stderr,
      /^The engine stops here; release 3 stays where it is, with 50% of the traffic on [0-9a-f]{7}\.$/m,
    );
    assert.match(stderr, /^Unwatched, all of the traffic goes back to [0-9a-f]{7} after 30s\.$/m);
    assert.match(stderr, /^Go on with: tidegate attach 3$/m);

    const status = await app.tidegate(["status"]);
    assert.match(status.stdout, /^Nobody acts on this release now: tidegate attach 3 goes on with it/m);
    const doctor = await app.tidegate(["doctor"]);
    assert.equal(doctor.code, 3);
    assert.match(doctor.stdout, /✖ engine +nobody acts, and release 3 has not ended/);
    const down = await app.tidegate(["down", "--yes"]);
    assert.equal(down.code, 3, "a release that has not ended would come back half");

    const attached = await app.tidegate(["attach"]);
    assert.equal(attached.code, 0, attached.stdout + attached.stderr);
    assert.equal(await answer(), "v3");
  });

  it("that is worse ends with 10, and hands the bug over", async () => {
    app.plan(PLAN("30s").replace("errors: off", 'errors: { rollback: "> 1%", minRequests: 20, window: 10s }'));
    app.version({ name: "v4", fails: 0.5 });
    const release = app.start(["release"]);
    await release.tells(/50% of the traffic on/);
    const ended = release.ended.then(() => true);
    await until(
      "it was put back",
      async () => {
        await answer().catch(() => undefined);
        return Promise.race([ended, Promise.resolve(false)]);
      },
      40_000,
    );
    const { code, stdout } = await release.ended;
    assert.equal(code, 10, stdout);
    assert.match(stdout, /^✖ ROLLED BACK at 50%: errors /m);
    assert.match(stdout, /^ {2}\+0\.\d\ds 100% on [0-9a-f]{7}, read back {3}\+/m);
    assert.match(stdout, /^ {2}why {3}GET \/ 500 ×\d+, new in [0-9a-f]{7}$/m);
    assert.match(stdout, /TypeError: cart\.total is undefined in v4/);
    assert.match(stdout, /exit 10$/m);
    assert.equal(await answer(), "v3");
  });

  it("that visitors had and that was put back is released again only when somebody says so", async () => {
    const refused = await app.tidegate(["release"]);
    assert.equal(refused.code, 3);
    assert.match(
      refused.stderr,
      /^Nobody can be asked here, and nothing was changed\. It would do this: Releases [0-9a-f]{7} again\. Release 4 put [0-9a-f]{7} back at 50%: errors .+ limit 1%\.$/m,
    );
    assert.equal((await app.status()).release, 4, "nothing was begun");
    const named = await app.tidegate(["release", app.git("rev-parse", "HEAD"), "--json"]);
    assert.equal(named.code, 3);
    assert.equal((JSON.parse(named.stdout) as { fault: Fault }).fault.code, "confirmation-missing");
    assert.match((await app.tidegate(["plan"])).stdout, /! Release 4 put [0-9a-f]{7} back at 50%: errors /);
    const retry = await app.tidegate(["retry", "4", "--yes"]);
    assert.equal(retry.code, 3);
    assert.match(retry.stderr, /^Release 4 is rolled back: .*\n {2}fix {4}tidegate release [0-9a-f]{7} begins anew/);

    const again = app.start(["release", "--yes"]);
    await again.tells(/^Release 4 put [0-9a-f]{7} back at 50%: errors /m);
    await again.tells(/50% of the traffic on/);
    again.kill("SIGINT");
    await again.ended;
    const { code, stdout } = await app.tidegate(["rollback", "--yes"]);
    assert.equal(code, 0, stdout);
  });

  it("that never gets ready ends with 10 before any traffic, and shows the last words of its process", async () => {
    app.plan(PLAN("1s"));
    app.version({ name: "v5", diesAfterMs: 1 });
    const { code, stdout } = await app.tidegate(["release"]);
    assert.equal(code, 10, stdout);
    assert.match(stdout, /^✖ ROLLED BACK at 0%: /m);
    assert.match(stdout, /the disk of my dreams is full/);
    assert.equal(await answer(), "v3");

    const again = await app.tidegate(["release"]);
    assert.equal(again.code, 10, "no visitor had it: it is tried again, and what came of it the last time is said");
    assert.match(again.stderr, /^Release 6 put [0-9a-f]{7} back before it had a visitor: web-/m);
  });
});

describe("with tidegate serve", { concurrency: false }, () => {
  let serving: Command;

  before(async () => {
    app.plan(PLAN("60s"));
    app.version({ name: "v6" });
  });

  it("a release can be handed over only to one that runs", async () => {
    const { code, stderr } = await app.tidegate(["release", "--detach"]);
    assert.equal(code, 3);
    assert.match(stderr, /^No `tidegate serve` runs here/m);
  });

  it("answers health on the loopback alone", async () => {
    const refused = await app.tidegate(["serve", "--listen", "0.0.0.0:0"]);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /is not an address of this machine alone/);
  });

  it("--detach returns at once, and status --follow shows it from elsewhere", async () => {
    serving = app.start(["serve"]);
    await serving.tells(/^Acts on production, as process \d+\.$/m);
    const { code, stdout } = await app.tidegate(["release", "--detach"]);
    assert.equal(code, 0);
    assert.match(stdout, /^Follow it: tidegate status \d+ --follow$/m);
    await until("it has 50%", async () => (await app.status()).sharePercent === 50);

    const following = app.start(["status", "--follow"]);
    await following.tells(/^\d\d:\d\d:\d\d {2}release \d+: shop [0-9a-f]{7} → [0-9a-f]{7}: Watching at 50%/m);
    following.kill("SIGINT");
    const stopped = await following.ended;
    assert.equal(stopped.code, 130);
    assert.match(stopped.stderr, /^Stopped watching; release \d+ goes on \(tidegate serve, process \d+, since /m);
  });

  it("refuses a second release and a down, the traffic untouched", async () => {
    app.version({ name: "v7" });
    const second = await app.tidegate(["release", "--detach"]);
    assert.equal(second.code, 3);
    assert.match(second.stderr, /is still running\.$/m);
    const supersede = await app.tidegate(["release", "--supersede"]);
    assert.equal(supersede.code, 3);
    assert.match(
      supersede.stderr,
      /^Nobody can be asked here, and nothing was changed\. It would do this: Undoes release \d+ /m,
    );
    const down = await app.tidegate(["down", "--yes"]);
    assert.equal(down.code, 3);
    assert.match(down.stderr, /^An engine acts on this app: process \d+, tidegate serve\.$/m);
    assert.equal((await app.status()).sharePercent, 50);
  });

  it("verbs reach it: each says what it did, once", async () => {
    assert.match((await ok("pause", "--reason", "looking")).stdout, /^Paused: /);
    assert.equal((await app.status()).paused?.reason, "looking");
    assert.match((await ok("pause")).stdout, /^Paused by ann already\.$/m);
    assert.match((await ok("resume")).stdout, /^Resumed\.$/m);
    const asked = await app.tidegate(["promote"]);
    assert.equal(asked.code, 3);
    assert.match(asked.stderr, /It would do this: Ends "shift 50%" of release \d+/);
    const back = await app.tidegate(["step-back", "--yes"]);
    assert.equal(back.code, 3);
    assert.match(back.stderr, /the plan has no lower share before this step/);
    const nothing = await app.tidegate(["approve", "--yes"]);
    assert.equal(nothing.code, 3);
    const skipped = await app.tidegate(["promote", "--skip", "retire", "--yes"]);
    assert.equal(skipped.code, 2, "a skip needs a reason");
    assert.match((await ok("promote", "--skip", "retire", "--reason", "kept")).stdout, /^Skipped "retire"\.$/m);
  });

  it("killed, whoever followed is told that nobody acts, and the next serve goes on", async () => {
    const following = app.start(["status", "--follow"]);
    await following.tells(/Watching at 50%/);
    serving.kill("SIGKILL");
    const { code, stdout } = await following.ended;
    assert.equal(code, 11, stdout);
    assert.match(stdout, /^Nobody acts on this release now: tidegate attach \d+ goes on with it/m);
    serving = app.start(["serve"]);
    await serving.tells(/an engine acts again/);
  });

  it("a rollback is followed to its end, and is done as asked", async () => {
    const { stdout } = await ok("rollback", "--reason", "enough");
    assert.match(stdout, /^✖ ROLLED BACK at 50%: Rolled back by ann: enough\.$/m);
    assert.equal(await answer(), "v3");
  });

  it("ends at SIGTERM with 0, and the app goes on", async () => {
    serving.kill("SIGTERM");
    const { code, stdout } = await serving.ended;
    assert.equal(code, 0);
    assert.match(stdout, /^Stops acting; what runs goes on running\.$/m);
    assert.equal(await answer(), "v3");
  });
});

describe("all of the traffic on a version of which nothing is known yet", { concurrency: false }, () => {
  it("is watched until its step passes, and put back", async () => {
    // Three that failed would do, at the end of a second: too few for stable to have answered one in their place.
    const quick = "{ rollback: '> 20%', window: 10s, minRequests: 10, minEvents: 20, breaches: 1 }";
    app.plan(PLAN("1s").replace("errors: off", `errors: ${quick}`).replace("  - shift: 50%\n    for: 1s\n", ""));
    app.version({ name: "v7", fails: 1 });
    const release = app.start(["release"]);
    await release.tells(
      /^\S+ {2}Stays to watch, because 100% of the traffic is on \w+, and "shift 100%" has not passed\.$/m,
    );
    const asking = new AbortController();
    const ended = release.ended.finally(() => asking.abort());
    while (!asking.signal.aborted) await answer();
    const { code, stdout, stderr } = await ended;
    assert.equal(code, 10, stdout + stderr);
    assert.match(stdout, /^✖ ROLLED BACK at 100%: errors 100%/m);
    assert.doesNotMatch(stdout, /this command ends now/);
    assert.equal(await answer(), "v3");
    const { candidate, stable } = await app.status();
    const versions = ["--candidate", candidate.version, "--stable", stable?.version ?? ""];
    const judged = await app.tidegate(["simulate", "--replay", "live", ...versions, "--json"]);
    assert.equal(judged.code, 0, judged.stdout + judged.stderr + stdout);
    const { guards } = JSON.parse(judged.stdout) as { guards: readonly { guard: string; n: number; bad: number }[] };
    const errors = guards.find(({ guard }) => guard === "errors");
    assert.ok(errors !== undefined && errors.n >= 10 && errors.bad === errors.n, judged.stdout);
  });
});

describe("what waits for people", { concurrency: false }, () => {
  it("ends with 11, and approve goes on with it where nobody acts", async () => {
    app.write("list.md", "# Go\n\n- [ ] Backup checked\n");
    app.plan(
      PLAN("1s", "people: { ann: approver, bob: approver }").replace(
        "steps:\n",
        "steps:\n  - check: list.md\n  - approve: approver\n",
      ),
    );
    app.version({ name: "v8" });
    const release = await app.tidegate(["release"]);
    assert.equal(release.code, 11, release.stdout + release.stderr);
    assert.match(release.stdout, /^ {2}next {2}tidegate approve --item go\/backup-checked +ticks it$/m);

    const ticked = await app.tidegate(["approve", "--item", "go/backup-checked", "--yes"]);
    assert.equal(ticked.code, 11, ticked.stdout + ticked.stderr);
    assert.match(ticked.stdout, /^No engine acts on this app, so this command does, and stays until /);
    const own = await app.tidegate(["approve", "--yes"]);
    assert.equal(own.code, 3);
    assert.match(own.stderr, /nobody approves a release of their own\.$/m);
    const approved = await app.tidegate(["approve", "--yes", "--json"], { env: { TIDEGATE_USER: "bob" } });
    assert.equal(approved.code, 0, approved.stdout + approved.stderr);
    const { type, actsHere } = JSON.parse(approved.stdout.split("\n")[0] ?? "");
    assert.deepEqual([type, actsHere], ["accepted", true]);
    assert.equal(await answer(), "v8");
  });
});

it("down stops everything, says so, and release starts it again", async () => {
  const asked = await app.tidegate(["down"]);
  assert.equal(asked.code, 3);
  assert.match(asked.stderr, /It would do this: Stops 1 instance of production \(web-/);
  const { code, stdout } = await app.tidegate(["down", "--yes"]);
  assert.equal(code, 0);
  assert.match(stdout, /^Stopped 1 instance, the data plane and the keeper\. The data stays in /m);
  assert.deepEqual(app.processes(), []);
  assert.match((await app.tidegate(["status"])).stdout, /^Nothing of it runs here: no keeper answers\./m);

  app.plan(PLAN("1s"));
  const again = await app.tidegate(["release"]);
  assert.equal(again.code, 0, again.stdout + again.stderr);
  assert.equal(await answer(), "v8");
  await app.down();
});

async function ok(...words: readonly string[]): Promise<Ended> {
  const ended = await app.tidegate([...words, "--yes"]);
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  return ended;
}

/** The name of the version that answers at the front door. */
function answer(): Promise<string> {
  return new Promise((resolve, reject) => {
    const asking = request({ port: app.port, host: "127.0.0.1", path: "/", agent: false }, (response) => {
      response.resume();
      response.once("end", () => resolve(String(response.headers["x-app"])));
    });
    asking.once("error", reject);
    asking.end();
  });
}
