import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { InstanceSeen } from "../../src/core/observation.ts";
import { until } from "../support/until.ts";
import { type App, createApp } from "./support/app.ts";
import { releaseWell } from "./support/release.ts";
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
    replicas: 2
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off, restarts: off }
steps:
  - shift: 100%
    for: 300ms
  - retire
`);
  app.version({ name: "v0" });
  await releaseWell(app);
  people = opened.use(visit(app.port));
  await people.seen("v0", 5);
});

describe("a keeper that was killed, and that nobody has started again", () => {
  let before: readonly number[] = [];

  it("status still lists what it left alive, by its record and the kernel, and starts nothing", async () => {
    const keeper = await app.keeper();
    before = keeper.instances.map(({ pid }) => pid ?? 0);
    process.kill(keeper.pid, "SIGKILL");
    await until("it is gone", () => !app.processes().some(({ pid }) => pid === keeper.pid));
    const { instances } = await asJson<{ instances: readonly { instance: InstanceSeen; health: { ok: boolean } }[] }>(
      "status",
    );
    assert.deepEqual(
      instances.map(({ instance: { pid }, health }) => ({ pid, ok: health.ok })),
      before.map((pid) => ({ pid, ok: true })),
    );
    assert.equal(app.processes().some(isKeeper), false, "a look starts no keeper");
    const { stdout } = await app.tidegate(["status"]);
    assert.match(stdout, /web-blue-0-\w+ +running .* ready: 200 fine/);
  });

  it("an instance that has died since is not told as running", async () => {
    const [victim = 0] = before;
    process.kill(victim, "SIGKILL");
    await until("it is dead", () => !app.processes().some(({ pid }) => pid === victim));
    const { instances } = await asJson<{ instances: readonly { instance: InstanceSeen }[] }>("status");
    assert.deepEqual(
      instances.map(({ instance }) => instance.pid),
      before.slice(1),
    );
  });

  it("doctor says that they live on without it, and who takes them over", async () => {
    const { code, stdout } = await app.tidegate(["doctor"]);
    assert.match(stdout, /! keeper +does not run; 1 instance lives on without it/);
    assert.match(stdout, /the next release or attach starts it, and it takes them over/);
    assert.equal(code, 0, stdout);
  });

  it("with the data plane dead as well, status and doctor say that nobody is answered, and what starts it", async () => {
    await people.leave();
    const { pid } = await app.plane();
    process.kill(pid, "SIGKILL");
    await until("it is gone", () => !app.processes().some((each) => each.pid === pid));
    const { stdout } = await app.tidegate(["status"]);
    assert.match(
      stdout,
      /Instances run, but no data plane before them: nobody is answered\. Start it: tidegate proxy restart/,
    );
    assert.equal((await asJson<{ isCutOff: boolean }>("status")).isCutOff, true);
    const doctor = await app.tidegate(["doctor"]);
    assert.equal(doctor.code, 3, doctor.stdout);
    assert.match(doctor.stdout, /✖ data plane +instances run, but no data plane before them/);
    const restarted = await app.tidegate(["proxy", "restart"]);
    assert.equal(restarted.code, 0, restarted.stdout + restarted.stderr);
    await until("visitors are answered", async () => (await fetch(`http://127.0.0.1:${app.port}/`)).status === 200);
    assert.equal((await asJson<{ isCutOff: boolean }>("status")).isCutOff, false);
  });

  it("down ends what it left", async () => {
    await app.down();
  });
});

function isKeeper({ command }: { readonly command: string }): boolean {
  return / keeper --state /.test(command);
}

async function asJson<T>(...words: readonly string[]): Promise<T> {
  const { stdout, stderr } = await app.tidegate([...words, "--json"]);
  assert.equal(stderr, "");
  return JSON.parse(stdout) as T;
}
