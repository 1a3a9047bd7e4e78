import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import type { LostRequests, TrafficState } from "../../src/core/traffic/routing.ts";
import { RawClient } from "../proxy/plane-under-test.ts";
import { until } from "../support/until.ts";
import { type App, createApp } from "./support/app.ts";
import type { Command } from "./support/command.ts";
import { releaseWell, untilShare } from "./support/release.ts";
import { type Failure, visit, type Visitors } from "./support/visitors.ts";

/** What was sent so soon after a death may have been on its way already when the proxy heard of it. */
const HEARD_WITHIN_MS = 300;

let app: App;
let people: Visitors;
let engine: Command;
let version = 0;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  app.plan(`
app: shop
services:
  web:
    run: node server.js
    replicas: 2
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off, restarts: off }
steps:
  - shift: 50%
    for: 5m
  - shift: 100%
    for: 300ms
  - retire
`);
  app.version({ name: "v0" });
  await releaseWell(app, "--yes");
  people = opened.use(visit(app.port, { people: 6 }));
});

/** Each begins with a release that is held at 50 %. */
beforeEach(async () => {
  if (engine?.isRunning()) return;
  version += 1;
  app.version({ name: `v${version}` });
  engine = app.start(["release", "--json"]);
  await untilShare(engine, 50);
});

describe("the proxy killed under load", () => {
  it("only what is in flight fails, no connection is refused, and the share stays; what was lost is told", async () => {
    const visits = people.since();
    // Something that is surely in flight when it happens.
    using held = await RawClient.to(app.port);
    held.send("POST / HTTP/1.1\r\nHost: shop\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    await held.until("100 Continue");
    const killedAt = Date.now();
    const next = await killProxy();
    await held.closed();
    assert.equal(next.table?.share, 5_000);
    await people.seen(`v${version}`, 20);
    await people.sample(100);
    assertOnlyInFlight(visits().failures, killedAt);
    assert.equal((await app.status()).sharePercent, 50);
    const { stdout } = await app.tidegate(["status"]);
    assert.match(
      stdout.replaceAll(/\s+/g, " "),
      /A process of the data plane ended \S+ ago with \d+ requests? in flight on \d+ open connections: lost/,
    );
    const { lost } = JSON.parse((await app.tidegate(["status", "--json"])).stdout) as { lost: LostRequests[] };
    assert.equal(lost.length, 1);
    const counted = Object.values(lost[0]?.requests ?? {}).reduce((sum, each) => sum + each, 0);
    assert.ok(counted >= 1 && counted <= people.count + 1, JSON.stringify(lost));
  });
});

describe("the proxy restarted under load", () => {
  it("fails nobody's request, and the release goes on as it was", async () => {
    const visits = people.since();
    const before = await app.plane();
    const { code, stdout, stderr } = await app.tidegate(["proxy", "restart", "--json"]);
    assert.equal(code, 0, stdout + stderr);
    const told = JSON.parse(stdout) as { pid: number; oldPid: number; wasSeamless: boolean };
    assert.deepEqual([told.oldPid, told.wasSeamless], [before.pid, true]);
    const after = await app.plane();
    assert.deepEqual([after.pid, after.table?.share], [told.pid, 5_000]);
    await people.seen(`v${version}`, 20);
    await until("the old one has ended", async () => (await app.keeper()).proxy?.leaving.length === 0);
    assert.deepEqual(visits().failures, []);
    assert.ok(engine.isRunning());
    assert.equal((await app.status()).sharePercent, 50);
  });
});

describe("an instance killed under load", () => {
  for (const role of ["stable", "candidate"] as const) {
    it(`one of two of ${role}: costs what it had in flight, is started again, and the release goes on`, async () => {
      const visits = people.since();
      const placed = (await app.status())[role];
      const victim = (await app.keeper()).instances.find(
        ({ spec, state }) => spec.labels["version"] === placed?.version && state === "running",
      );
      const killedAt = Date.now();
      process.kill(victim?.pid ?? Number.NaN, "SIGKILL");
      await until("it runs again", async () => {
        const now = (await app.keeper()).instances.find(({ spec }) => spec.id === victim?.spec.id);
        return now?.state === "running" && now.pid !== victim?.pid && now.restarts === 1;
      });
      await people.sample(100);
      assertOnlyInFlight(visits().failures, killedAt);
      assert.ok(engine.isRunning(), "it is no reason to go back, nor to stop");
      assert.equal((await app.status()).sharePercent, 50);
    });
  }
});

describe("the keeper killed in the middle of a release", () => {
  it("takes nothing with it: instances and proxy serve on, and the release goes on with the next keeper", async () => {
    const visits = people.since();
    const before = await app.keeper();
    process.kill(before.pid, "SIGKILL");
    await people.sample(60);
    assert.equal((await app.plane()).pid, before.proxy?.pid);

    const promoted = await app.tidegate(["promote", "--yes"]);
    assert.equal(promoted.code, 0, promoted.stdout + promoted.stderr);
    const { code, stdout, stderr } = await engine.ended;
    assert.equal(code, 0, stdout + stderr);

    await people.seen(`v${version}`, 20);
    const now = await app.keeper();
    assert.notEqual(now.pid, before.pid);
    assert.equal(now.proxy?.pid, before.proxy?.pid, "the proxy was adopted");
    const pids = new Set(before.instances.map(({ pid }) => pid));
    const running = now.instances.filter(({ state }) => state === "running");
    assert.equal(running.length, 2);
    assert.ok(
      running.every(({ pid }) => pids.has(pid)),
      "the instances were adopted",
    );
    assert.deepEqual(visits().failures, []);
  });

  it("holds the port also for the proxy that it adopted: that one killed, nobody is refused", async () => {
    assert.equal((await app.keeper()).proxy?.holdsSockets, true);
    const visits = people.since();
    const killedAt = Date.now();
    await killProxy();
    await people.seen(`v${version}`, 20);
    await people.sample(100);
    assertOnlyInFlight(visits().failures, killedAt);
  });
});

describe("the keeper replaced under load", () => {
  it("fails nobody's request; instances and proxy stay as they are, and the new one can restart the proxy", async () => {
    const visits = people.since();
    const before = await app.keeper();
    const { code, stdout, stderr } = await app.tidegate(["keeper", "restart", "--json"]);
    assert.equal(code, 0, stdout + stderr);
    const told = JSON.parse(stdout) as { old: { pid: number }; now: { pid: number }; holdsSockets: boolean };
    assert.deepEqual([told.old.pid, told.holdsSockets], [before.pid, true]);
    const after = await app.keeper();
    assert.deepEqual([after.pid, after.proxy?.pid], [told.now.pid, before.proxy?.pid]);
    const pids = ({ instances }: typeof before): unknown =>
      instances.map(({ spec, pid, restarts }) => [spec.id, pid, restarts]);
    assert.deepEqual(pids(after), pids(before));
    const restarted = await app.tidegate(["proxy", "restart", "--json"]);
    assert.equal(restarted.code, 0, restarted.stdout + restarted.stderr);
    await until("the old proxy has ended", async () => (await app.keeper()).proxy?.leaving.length === 0);
    await people.sample(60);
    assert.deepEqual(visits().failures, []);
  });
});

it("the release ends as it would have, and nothing is left behind", async () => {
  const promoted = await app.tidegate(["promote", "--yes"]);
  assert.equal(promoted.code, 0, promoted.stdout + promoted.stderr);
  assert.equal((await engine.ended).code, 0);
  await people.leave();
  await app.down();
});

/** Resolves when the keeper has started another one. */
async function killProxy(): Promise<TrafficState> {
  const { pid, proxy } = await app.plane();
  process.kill(pid, "SIGKILL");
  return until("another proxy answers", async () => {
    const plane = await app.plane().catch(() => null);
    return plane !== null && plane.proxy !== proxy ? plane : null;
  });
}

/** Each person has one request at a time: so many may be cut, none refused, and none that was sent later fails. */
function assertOnlyInFlight(failures: readonly Failure[], killedAt: number): void {
  const told = JSON.stringify(failures);
  assert.ok(failures.length <= people.count, told);
  assert.ok(!failures.some(({ refused }) => refused), told);
  assert.ok(!failures.some(({ sentAt }) => sentAt > killedAt + HEARD_WITHIN_MS), told);
}
