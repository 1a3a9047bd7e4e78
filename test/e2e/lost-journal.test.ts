import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { until } from "../support/until.ts";
import { type App, createApp } from "./support/app.ts";
import type { Ended } from "./support/command.ts";
import { faultOf, releaseWell, untilShare } from "./support/release.ts";

const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

let app: App;
before(async () => {
  app = opened.use(await createApp());
  app.plan(`
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 1s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off, restarts: off }
steps:
  - shift: 25%
    for: 10m
  - shift: 100%
    for: 300ms
`);
  app.version({ name: "v0" });
  await releaseWell(app);
});

describe("a journal that is deleted while an engine has it open", () => {
  it("is missed at once: the release ends with a fault instead of an end that nobody could read", async () => {
    app.version({ name: "v1" });
    const engine = app.start(["release", "--json"]);
    await untilShare(engine, 25);
    deleteJournal();
    const ended = await engine.ended;
    assert.equal(ended.code, 12, ended.stdout + ended.stderr);
    const { code, what, fix } = faultOf(ended);
    assert.equal(code, "journal-gone");
    assert.match(what, /Release 2 was at 25% on \w+, .* Unwatched, all of the traffic goes back to \w+ after 2m\./);
    assert.match(fix ?? "", /put it back, or a backup of it, then: tidegate attach/);
    assert.doesNotMatch(ended.stdout, /"type":"closed"/);
  });

  it("status tells what data plane and keeper know, and no command takes it for an empty place", async () => {
    const told = await app.tidegate(["status"]);
    assert.equal(told.code, 12);
    assert.match(told.stdout, /There is no journal, and yet instances run here/);
    assert.match(told.stdout, /share 75% on \w+, 25% on \w+, at 127\.0\.0\.1:\d+, by the table of release 2/);
    assert.match(told.stdout, /✔ web-green-0-\w+ +running .* ready: 200 fine/);
    for (const words of [["attach"], ["rollback", "--yes"]])
      assert.equal(faultOf(await app.tidegate([...words, "--json"])).code, "journal-missing");
    assert.match((await app.tidegate(["doctor"])).stdout, /There is no journal, and yet instances run here/);
    const { stable } = (await app.plane()).table ?? {};
    assert.equal(await planned(), stable?.version, "plan says what a release would begin beside");
  });

  it("a release does not begin anew without a word: it tells what serves, and wants to be told to go on", async () => {
    const before = (await app.plane()).table;
    const ended = await app.tidegate(["release", "--json"]);
    assert.equal(ended.code, 3, ended.stdout + ended.stderr);
    const { code, what, fix } = faultOf(ended);
    assert.equal(code, "confirmation-missing");
    assert.match(
      what,
      /Begins a new journal, with release 1, beside what serves\. There is no journal, and yet instances/,
    );
    assert.match(what, /What serves: 75% on \w+, 25% on \w+, at 127/);
    assert.match(fix ?? "", /--yes/);
    assert.deepEqual((await app.plane()).table, before, "nothing was changed");
    assert.deepEqual(
      readdirSync(app.state.path).filter((name) => name.startsWith("journal.db")),
      [],
    );
  });

  it("serve says so, and begins a new one beside what serves: what had all of the traffic", async () => {
    const serving = app.start(["serve"]);
    await serving.tells(/Acts on production/);
    const engine = app.start(["release", "--yes", "--json"]);
    await untilShare(engine, 25);
    assert.equal((await app.tidegate(["promote", "--yes"])).code, 0);
    const { candidate } = (await releasedBy(engine.ended)).status;
    deleteJournal();
    await serving.tells(/The journal was deleted, moved away or replaced while it was in use[^]*Acts on production/);
    await until("the new one is there", () => readdirSync(app.state.path).includes("journal.db"));
    assert.equal(faultOf(await app.tidegate(["status", "--json"])).code, "journal-missing");
    assert.equal(await planned(), candidate.version);
    app.version({ name: "v2" });
    const next = app.start(["release", "--yes", "--json"]);
    await untilShare(next, 25);
    assert.equal((await app.status()).stable?.version, candidate.version);
    next.kill("SIGTERM");
    await next.ended;
    serving.kill("SIGTERM");
    assert.equal((await serving.ended).code, 0);
  });
});

function deleteJournal(): void {
  for (const name of readdirSync(app.state.path))
    if (name.startsWith("journal.db")) rmSync(app.state.file(name), { force: true });
}

/** Beside what a release would begin, as plan tells it. */
async function planned(): Promise<string | undefined> {
  const { stdout } = await app.tidegate(["plan", "--json"]);
  return (JSON.parse(stdout) as { readonly stable: { readonly version: string } | null }).stable?.version;
}

async function releasedBy(ended: Promise<Ended>): Promise<{ status: { candidate: { version: string } } }> {
  const { code, stdout, stderr } = await ended;
  assert.equal(code, 0, stdout + stderr);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as { status: { candidate: { version: string } } };
}
