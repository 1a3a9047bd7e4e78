import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { until } from "../support/until.ts";
import { type App, createApp } from "./support/app.ts";
import type { Command } from "./support/command.ts";
import { documentOf, HALF, releaseTo50 } from "./support/emergency.ts";
import { faultOf, releaseWell } from "./support/release.ts";

const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

describe("when something else than the engine hangs", () => {
  let app: App;
  let engine: Command;
  let version = 0;

  before(async () => {
    app = opened.use(await createApp());
    app.plan(HALF);
    app.version({ name: "v0" });
    await releaseWell(app);
  });

  /** A release that is held at 50 %. */
  beforeEach(async () => {
    version += 1;
    engine = await releaseTo50(app, { name: `v${version}` });
  });

  it("the keeper: traffic goes back all the same, and it is said that the keeper could not be told", async () => {
    const { pid } = await app.keeper();
    process.kill(pid, "SIGSTOP");
    try {
      const done = documentOf(await app.tidegate(["rollback", "--now", "--json"]), 10);
      assert.equal(done.type, "put-back");
      assert.deepEqual(done["fencing"], [{ name: "the keeper", isFenced: false, why: "It does not answer." }]);
      assert.equal((await app.plane()).table?.share, 0);
    } finally {
      process.kill(pid, "SIGCONT");
    }
    assert.equal((await engine.ended).code, 10);
  });

  it("the one who types: with another app's TIDEGATE_STATE nothing is put back before it is said which is meant", async () => {
    app.write("elsewhere/tidegate.yaml", "app: blog\nservices: [this is no plan\n");
    const there = { cwd: app.file("elsewhere"), env: { TIDEGATE_STATE: app.state.path } };
    const refused = await app.tidegate(["rollback", "--now", "--json"], there);
    assert.equal(refused.code, 3, refused.stdout + refused.stderr);
    const { code, what, fix } = faultOf(refused);
    assert.equal(code, "state-foreign");
    assert.match(what, /is the one of shop in production, and the plan file is for blog in production/);
    assert.ok(fix?.includes(`tidegate rollback --now --state ${app.state.path}\n`), fix);
    assert.equal((await app.plane()).table?.share, 5_000);
    const told = await app.tidegate(["rollback", "--now", "--json", "--state", app.state.path], there);
    assert.equal(documentOf(told, 10).type, "put-back");
    assert.equal((await engine.ended).code, 10);
  });

  it("the proxy: the keeper starts another one, which begins with all traffic on stable", async () => {
    const { pid } = await app.plane();
    process.kill(pid, "SIGSTOP");
    const done = documentOf(await app.tidegate(["rollback", "--now", "--json"]), 10);
    assert.equal(done.type, "put-back");
    assert.equal(done["isReadBack"], true);
    const plane = await app.plane();
    assert.notEqual(plane.pid, pid);
    assert.equal(plane.table?.share, 0);
    assert.equal((await engine.ended).code, 10);
  });

  it("proxy and keeper: what is done and what not is said, and the engine follows when they wake", async () => {
    const { pid, proxy } = await app.keeper();
    const both = [pid, proxy?.pid ?? Number.NaN];
    for (const each of both) process.kill(each, "SIGSTOP");
    try {
      const done = documentOf(await app.tidegate(["rollback", "--now", "--json"]), 12);
      assert.equal(done.type, "on-disk");
      assert.equal(done["sharePercent"], null);
      assert.match(String(done["sentence"]), /answers nobody.*On the disk, .* all traffic is on \w+ now\.$/);
      assert.match(String(done["troubles"]), /The keeper does not answer either/);
    } finally {
      for (const each of both) process.kill(each, "SIGCONT");
    }
    const ended = await engine.ended;
    assert.equal(ended.code, 10, ended.stdout + ended.stderr);
    assert.equal((await app.plane()).table?.candidate, null);
  });

  it("stable itself: nothing is sent into the void, the release is paused; once it is well it gets everything", async () => {
    const stable = (await app.plane()).table?.stable?.instances[0]?.id ?? "";
    const { pid } = (await app.keeper()).instances.find(({ spec }) => spec.id === stable) ?? {};
    assert.ok(pid !== undefined);
    process.kill(pid, "SIGSTOP");
    try {
      await until(
        "the data plane finds it unwell",
        async () => (await app.plane()).endpoints[stable]?.healthy === false,
      );
      const done = documentOf(await app.tidegate(["rollback", "--now", "--json"]), 12);
      assert.equal(done.type, "frozen");
      assert.match(String(done["because"]), /^ann wanted everything back, but web-\S+ does not answer/);
      const { table } = await app.plane();
      assert.equal(table?.share, 5_000);
      assert.equal(table.lease?.do, "hold");
      await until("the release is paused", async () => (await app.status()).paused?.by === "ann");
    } finally {
      process.kill(pid, "SIGCONT");
    }
    await until("it is well again", async () => (await app.plane()).endpoints[stable]?.healthy === true);
    assert.equal(documentOf(await app.tidegate(["rollback", "--now", "--json"]), 10).type, "put-back");
    assert.equal((await engine.ended).code, 10);
    await app.down();
  });
});
