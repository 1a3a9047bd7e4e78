import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { after, before, describe, it } from "node:test";
import { keptUnits } from "../../src/adapters/runtime/systemd/kept-units.ts";
import { type App, createApp } from "../e2e/support/app.ts";
import { assertReplayEquals } from "../e2e/support/journal.ts";
import { lastStatus, untilShare } from "../e2e/support/release.ts";
import { visit, type Visitors } from "../e2e/support/visitors.ts";
import { until } from "../support/until.ts";
import { isInsideSystemd } from "./support/systemd-machine.ts";

const SECRET = 'hunter2 "quoted" $HOME 100%\nand a second line';

const PLAN = `
app: shop
services:
  web:
    run: node server.js --port \${port}
    replicas: 2
    route: /
    health: { ready: /health, every: 500ms, timeout: 2s }
    env: { SHOP_TOKEN: "\${SHOP_TOKEN}" }
    files: [.env]
    drain: 2s
    stopWithin: 3s
    systemd: { user: nobody, memoryMax: 256M, cpuQuota: 150%, properties: { LimitNOFILE: 4096 } }
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: { rollback: "> 5%", window: 10s, minRequests: 20, breaches: 1 }, p95: off }
steps:
  - shift: 25%
    for: 3s
  - shift: 100%
    for: 1s
`;

const env = { SHOP_TOKEN: SECRET };

if (await isInsideSystemd(import.meta.url)) {
  let app: App;
  let people: Visitors;
  const opened = new AsyncDisposableStack();
  after(() => opened.disposeAsync());

  before(async () => {
    app = opened.use(await createApp());
    // The account that runs the service must be able to come to its folder.
    chmodSync(dirname(app.folder), 0o711);
    app.plan(PLAN);
    // Of root, and nobody else may read it: the account that runs the service gets it nevertheless.
    app.write(".gitignore", ".env\n");
    app.write(".env", "SHOP_DATABASE=here\n");
    chmodSync(app.file(".env"), 0o600);
    app.version({ name: "v0", needsEnvFile: true });
  });

  const systemctl = (...words: readonly string[]): string => {
    try {
      return execFileSync("systemctl", words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
    } catch (error) {
      return ((error as { stdout?: string }).stdout ?? "").trim();
    }
  };
  const units = (): readonly string[] =>
    systemctl("list-units", "--plain", "--no-legend", "--state=active", "tidegate-shop-production-web-*")
      .split("\n")
      .map((line) => line.split(/\s/)[0] ?? "")
      .filter((name) => name !== "");
  const mainPid = (unit: string): number => Number(systemctl("show", "--value", "--property=MainPID", unit));

  describe("a service that systemd runs", () => {
    it("gets its listening sockets, its keeper and its data plane from systemd too", async () => {
      const installed = await app.tidegate(["service", "install", "--system", "--json"], { env });
      assert.equal(installed.code, 0, installed.stdout + installed.stderr);
      assert.deepEqual((JSON.parse(installed.stdout) as { problems: unknown }).problems, []);
      systemctl("daemon-reload");
      systemctl("enable", "--now", "tidegate-shop-production-keeper.socket", "tidegate-shop-production-keeper.service");
      await until("the keeper runs", () => app.keeper().catch(() => null));
    });

    it("is told beforehand what is missing, and what it runs on", async () => {
      const doctor = await app.tidegate(["doctor"], { env });
      assert.match(doctor.stdout, /✔ systemd\s+the system's own, \d+, /);
      assert.match(doctor.stdout, /✔ port \d+\s+systemd holds it open, for the data plane/);
    });

    it("starts with the first release, as systemd's own units, by their account and within their limits", async () => {
      const ended = await app.tidegate(["release", "--yes", "--json"], { env });
      assert.equal(ended.code, 0, ended.stdout + ended.stderr);
      assert.equal(units().length, 2, systemctl("list-units", "--all", "tidegate-*"));
      people = opened.use(visit(app.port));
      await people.sample(20);
      const [unit = ""] = units();
      const shown = systemctl("show", "--property=User,MemoryMax,CPUQuotaPerSecUSec,LimitNOFILE,UnitFileState", unit);
      assert.match(shown, /^User=nobody$/m);
      assert.match(shown, /^MemoryMax=268435456$/m);
      assert.match(shown, /^CPUQuotaPerSecUSec=1\.5/m);
      assert.match(shown, /^LimitNOFILE=4096$/m);
      assert.match(shown, /^UnitFileState=enabled$/m);
    });

    it("gives the instance its secret, and nobody else", () => {
      const [unit = ""] = units();
      const environment = readFileSync(`/proc/${mainPid(unit)}/environ`, "utf8").split("\0");
      assert.ok(environment.includes(`SHOP_TOKEN=${SECRET}`), environment.join("\n"));
      assert.ok(!systemctl("cat", unit).includes("hunter2"));
      assert.ok(!systemctl("show", unit).includes("hunter2"));
      const file = app.state.file("systemd", "units", unit, "environment");
      assert.equal(statSync(file).mode & 0o777, 0o600);
      assert.throws(() =>
        execFileSync("setpriv", ["--reuid=nobody", "--clear-groups", "cat", file], { stdio: "pipe" }),
      );
    });

    it("is released anew under load", async () => {
      const visits = people.since();
      app.version({ name: "v1" });
      const ended = await app.tidegate(["release", "--yes", "--json"], { env });
      assert.equal(ended.code, 0, ended.stdout + ended.stderr);
      await people.seen("v1", 20);
      assert.deepEqual(visits().failures, []);
      assert.deepEqual(visits().appErrors, {});
    });

    it("is put back when it is bad, at the cost of its own errors alone", async () => {
      const visits = people.since();
      app.version({ name: "v2", fails: 0.5 });
      const ended = await app.tidegate(["release", "--yes", "--json"], { env });
      assert.equal(ended.code, 10, ended.stdout + ended.stderr);
      await people.sample(20);
      assert.deepEqual(visits().failures, []);
      assert.deepEqual(await versionsMet(), ["v1"]);
      await until("the candidate's units are stopped", () => units().every((unit) => !unit.includes(shortOf(ended))));
    });

    it("starts an instance again that was killed; the requests that it had are answered by the other", async () => {
      const visits = people.since();
      const [unit = ""] = units();
      const before = mainPid(unit);
      process.kill(before, "SIGKILL");
      await until("another process", () => ![0, before].includes(mainPid(unit)));
      await people.sample(50);
      const killed = (await keptUnits(app.state, null)).find(({ pid }) => pid === mainPid(unit));
      assert.equal(killed?.restarts, 1);
      assert.deepEqual(killed.lastExit && { ...killed.lastExit, at: 0 }, { code: null, signal: "SIGKILL", at: 0 });
      assert.ok(visits().failures.length <= 1, JSON.stringify(visits().failures));
    });

    it("refuses nobody when the keeper and the data plane are killed at the same time", async () => {
      const visits = people.since();
      const { pid, proxy } = await app.keeper();
      assert.equal(proxy?.holdsSockets, true);
      process.kill(pid, "SIGKILL");
      process.kill(proxy.pid ?? 0, "SIGKILL");
      await until("others are there", async () => {
        const now = await app.keeper().catch(() => null);
        return now !== null && now.pid !== pid && now.proxy?.state === "running";
      });
      await people.sample(50);
      const failures = visits().failures;
      assert.deepEqual(
        failures.filter(({ refused }) => refused),
        [],
      );
      assert.ok(
        failures.every(({ cut }) => cut),
        JSON.stringify(failures),
      );
    });

    it("loses nobody when the keeper's unit is restarted, and the data plane after it", async () => {
      const visits = people.since();
      const { pid, proxy } = await app.keeper();
      systemctl("restart", "tidegate-shop-production-keeper.service");
      const now = await until("another keeper is there", async () => {
        const state = await app.keeper().catch(() => null);
        return state !== null && state.pid !== pid && state;
      });
      assert.deepEqual([now.proxy?.pid, now.proxy?.holdsSockets], [proxy?.pid, true]);
      const restarted = await app.tidegate(["proxy", "restart"], { env });
      assert.equal(restarted.code, 0, restarted.stdout + restarted.stderr);
      await people.sample(50);
      assert.deepEqual(visits().failures, []);
    });

    it("lives on when the engine is killed, and the next engine finds it and goes on", async () => {
      const visits = people.since();
      app.version({ name: "v3" });
      const release = app.start(["release", "--yes", "--json"], { env });
      await untilShare(release, 25);
      const before = units().map(mainPid);
      release.kill("SIGKILL");
      await release.ended;
      await people.sample(20);
      assert.deepEqual(units().map(mainPid), before);
      const attached = await app.tidegate(["attach", "--json"], { env });
      assert.equal(attached.code, 0, attached.stdout + attached.stderr);
      await people.seen("v3", 20);
      assert.deepEqual(visits().failures, []);
      await assertReplayEquals(app, lastStatus(attached));
    });

    it("is back after a boot: what served is wanted by the target that a boot brings up", async () => {
      const before = units().length;
      const { proxy } = await app.keeper();
      systemctl("stop", "tidegate-shop-*");
      if (proxy?.pid !== undefined) process.kill(proxy.pid, "SIGKILL");
      assert.deepEqual(units(), []);
      systemctl("daemon-reload");
      systemctl("start", "sockets.target", "multi-user.target");
      await until("all of them run", () => units().length === before);
      await until("its answers", async () => (await versionsMet()).join() === "v3");
    });

    it("is gone after `tidegate down`, its units and secrets with it", async () => {
      await people.leave();
      systemctl(
        "disable",
        "--now",
        "tidegate-shop-production-keeper.socket",
        "tidegate-shop-production-keeper.service",
      );
      for (const name of ["keeper.socket", "keeper.service", "serve.service"])
        rmSync(`/etc/systemd/system/tidegate-shop-production-${name}`);
      const down = await app.tidegate(["down", "--yes"], { env });
      assert.equal(down.code, 0, down.stdout + down.stderr);
      assert.deepEqual(units(), []);
      assert.deepEqual(
        readdirSync("/etc/systemd/system", { recursive: true }).filter((name) => String(name).includes("tidegate-")),
        [],
      );
      assert.deepEqual(readdirSync(app.state.file("systemd", "units")), []);
    });
  });

  async function versionsMet(): Promise<readonly string[]> {
    return Object.entries(await people.sample(40)).flatMap(([version, count]) => (count > 0 ? [version] : []));
  }

  function shortOf(ended: Parameters<typeof lastStatus>[0]): string {
    return lastStatus(ended).candidate.version.slice(0, 8);
  }
}
