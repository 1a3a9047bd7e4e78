import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { after, describe, it } from "node:test";
import { freePort } from "../../src/adapters/runtime/free-port.ts";
import { keptUnits } from "../../src/adapters/runtime/systemd/kept-units.ts";
import { createApp } from "../e2e/support/app.ts";
import { faultOf, lastStatus } from "../e2e/support/release.ts";
import { visit } from "../e2e/support/visitors.ts";
import { until } from "../support/until.ts";
import { isInsideSystemd } from "./support/systemd-machine.ts";

const PLAN = `
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 500ms, timeout: 2s }
    drain: 1s
    stopWithin: 2s
    systemd: SETTINGS
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off }
steps:
  - shift: 100%
    for: 500ms
  - retire
`;

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

const planWith = (settings: string): string => PLAN.replace("SETTINGS", settings);

const systemctl = (...words: readonly string[]): string =>
  spawnSync("systemctl", words, { encoding: "utf8" }).stdout.trim();

if (await isInsideSystemd(import.meta.url)) {
  const opened = new AsyncDisposableStack();
  after(() => opened.disposeAsync());

  describe("a service that runs by a unit of the user's own", () => {
    it("is taken over without a failed request, and stopped by systemd, which would else start it again", async () => {
      const app = opened.use(await createApp());
      app.plan(planWith("true"));
      app.version({ name: "by hand" });
      execFileSync("cp", ["-r", app.folder, app.file("..", "by-hand")]);
      const port = await freePort(new Set([app.port]));
      writeFileSync(
        "/etc/systemd/system/shop.service",
        `[Service]\nExecStart=${process.execPath} ${app.file("..", "by-hand", "server.js")}\nEnvironment=PORT=${port}\nRestart=always\n\n[Install]\nWantedBy=multi-user.target\n`,
      );
      systemctl("enable", "--now", "shop.service");
      await until("it answers", () =>
        fetch(`http://127.0.0.1:${port}/health`).then(
          ({ ok }) => ok,
          () => false,
        ),
      );
      await using direct = visit(port);
      await direct.sample(5);
      app.version({ name: "v1" });
      const release = app.start(["release", "--adopt", `127.0.0.1:${port}`, "--yes", "--json"]);
      await release.says("the front door leads to it", ({ type, key }) => {
        return type === "effect-confirmed" && String(key).endsWith("/take-over");
      });
      const [adopted] = await keptUnits(app.state, null);
      assert.deepEqual([adopted?.adopted, adopted?.state], [true, "running"]);
      await direct.leave();
      await using people = visit(app.port);
      const visits = people.since();
      const ended = await release.ended;
      assert.equal(ended.code, 0, ended.stdout + ended.stderr);
      await people.seen("v1", 10);
      assert.deepEqual(visits().failures, []);
      assert.deepEqual(lastStatus(ended).leftRunning, []);
      assert.equal(systemctl("is-active", "shop.service"), "inactive");
      assert.equal(systemctl("is-enabled", "shop.service"), "disabled");
      await people.leave();
      await app.down();
    });
  });

  describe("a service that Tidegate's own keeper ran", () => {
    it("is handed over to systemd by the next release, and back, without a failed request", async () => {
      const app = opened.use(await createApp());
      app.plan(planWith("false"));
      app.version({ name: "v1" });
      const release = async (): Promise<void> => {
        const ended = await app.tidegate(["release", "--yes", "--json"]);
        assert.equal(ended.code, 0, ended.stdout + ended.stderr);
      };
      const kept = async (): Promise<number> =>
        (await app.keeper()).instances.filter(({ state }) => state === "running").length;
      const units = async (): Promise<number> =>
        (await keptUnits(app.state, null)).filter(({ state }) => state === "running").length;
      await release();
      await using people = visit(app.port);
      const visits = people.since();
      app.plan(planWith("true"));
      app.version({ name: "v2" });
      await release();
      await people.seen("v2", 10);
      assert.deepEqual([await kept(), await units()], [0, 1]);
      app.plan(planWith("false"));
      app.version({ name: "v3" });
      await release();
      await people.seen("v3", 10);
      assert.deepEqual([await kept(), await units()], [1, 0]);
      assert.deepEqual(visits().failures, []);
      await people.leave();
      await app.down();
    });
  });

  describe("an instance that hangs", () => {
    it("is ended and started anew by systemd when an engine acts and asks it in vain", async () => {
      const app = opened.use(await createApp());
      app.plan(planWith("true").replace("ready: /health,", "ready: /health, live: /health, fall: 2,"));
      app.version({ name: "v1" });
      const ended = await app.tidegate(["release", "--yes", "--json"]);
      assert.equal(ended.code, 0, ended.stdout + ended.stderr);
      const serve = app.start(["serve"]);
      await serve.tells(/Acts on production/);
      const pid = (await keptUnits(app.state, null))[0]?.pid ?? 0;
      process.kill(pid, "SIGSTOP");
      const after = await until(
        "it has another process",
        async () => {
          const [seen] = await keptUnits(app.state, null);
          return seen?.state === "running" && seen.pid !== pid && seen;
        },
        40_000,
      );
      assert.deepEqual([after.restarts, after.lastExit?.signal], [1, "SIGKILL"]);
      serve.kill("SIGTERM");
      await serve.ended;
      await app.down();
    });
  });

  describe("an instance that can't run", () => {
    it("is told with what systemd says of it, and is not left behind", async () => {
      const app = opened.use(await createApp());
      app.plan(planWith("{ user: nobody-of-that-name }"));
      app.version({ name: "v1" });
      const hindered = await app.tidegate(["release", "--yes", "--json"]);
      assert.equal(hindered.code, 3, hindered.stdout + hindered.stderr);
      assert.match(faultOf(hindered).what, /there is no user nobody-of-that-name/);

      app.plan(planWith("{ properties: { Group: nobody-of-that-name } }").replace("Group", "SupplementaryGroups"));
      app.version({ name: "v2" });
      const ended = await app.tidegate(["release", "--yes", "--json"]);
      assert.notEqual(ended.code, 0);
      assert.match(ended.stdout + ended.stderr, /web-blue-0-[0-9a-f]+ could not be started: there is no such group/);
      assert.deepEqual(
        (await keptUnits(app.state, null)).filter(({ state }) => state !== "exited"),
        [],
      );
      await app.down();
    });
  });

  describe("a user's own systemd", () => {
    it("runs the services of who is not root", async () => {
      // Of "daemon", which is there on every machine.
      const uid = 1;
      const app = opened.use(await createApp());
      app.plan(planWith("{ memoryMax: 256M }"));
      app.version({ name: "v1" });
      const home = dirname(app.folder);
      const account = app.file("..", "account");
      mkdirSync(account);
      chmodSync(home, 0o755);
      execFileSync("chown", ["-R", `${uid}:${uid}`, home]);
      mkdirSync(`/run/user/${uid}`, { recursive: true });
      chownSync(`/run/user/${uid}`, uid, uid);
      // Another home than that of the shell in which Tidegate runs, as after `sudo -u`.
      mkdirSync(`/etc/systemd/system/user@${uid}.service.d`);
      writeFileSync(`/etc/systemd/system/user@${uid}.service.d/home.conf`, `[Service]\nEnvironment=HOME=${account}\n`);
      const asUser = (...words: readonly string[]): { status: number | null; stdout: string; stderr: string } =>
        spawnSync("setpriv", [`--reuid=${uid}`, `--regid=${uid}`, "--clear-groups", process.execPath, MAIN, ...words], {
          cwd: app.folder,
          encoding: "utf8",
          env: { PATH: process.env["PATH"], HOME: home, TIDEGATE_USER: "ann" },
        });
      const without = asUser("doctor");
      assert.match(without.stdout, /systemd\s+This user has no systemd of their own running/);
      assert.match(without.stdout, /loginctl enable-linger/);
      systemctl("daemon-reload");
      systemctl("start", `user@${uid}.service`);
      await until("it runs", () => systemctl("is-active", `user@${uid}.service`) === "active");
      const released = asUser("release", "--yes", "--json");
      assert.equal(released.status, 0, released.stdout + released.stderr);
      await using people = visit(app.port);
      await people.seen("v1", 10);
      const units = readdirSync(`${account}/.config/systemd/user`).filter((name) => name.endsWith("@.service"));
      assert.equal(units.length, 1);
      assert.match(units[0] ?? "", /^tidegate-shop-production-web-(?:blue|green)-[0-9a-f]{8}@\.service$/);
      await people.leave();
      const down = asUser("down", "--yes");
      assert.equal(down.status, 0, down.stdout + down.stderr);
      assert.deepEqual(
        readdirSync(`${account}/.config/systemd/user`, { recursive: true }).filter((name) =>
          String(name).includes("@"),
        ),
        [],
      );
    });
  });
}
