import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { unitsOf } from "../../src/cli/service/units.ts";
import { commandLine } from "../../src/core/text/unit-words.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { tidegate } from "./support/program.ts";

const folder = temporaryFolder();
after(() => folder[Symbol.asyncDispose]());

const ORDER = {
  app: "shop",
  environment: "production",
  scope: "user",
  user: "ann",
  self: ["/opt/node 24/bin/node", "/opt/tidegate/main.js"],
  folder: "/srv/100% shop",
  planFile: "/srv/100% shop/tidegate.yaml",
  statePath: "/srv/100% shop/.tidegate",
  stateOption: undefined,
  listen: [{ host: "127.0.0.1", port: 8080 }],
  path: "/usr/local/bin:/usr/bin",
} as const;

describe("systemd units", () => {
  it("start the keeper and the engine, and leave alive what these started", () => {
    const [keeper, serve] = unitsOf(ORDER);
    assert.equal(
      keeper?.text,
      `# Written by tidegate service install.
[Unit]
Description=Tidegate keeper of shop (production)
StartLimitIntervalSec=0

[Service]
Type=exec
WorkingDirectory=/srv/100%% shop
Environment=PATH=/usr/local/bin:/usr/bin
EnvironmentFile=-/srv/100%% shop/.tidegate/environment
ExecStart="/opt/node 24/bin/node" /opt/tidegate/main.js keeper --state "/srv/100%% shop/.tidegate" --take-over
KillMode=process
Restart=always
RestartSec=1

[Install]
WantedBy=default.target
`,
    );
    assert.equal(serve?.name, "tidegate-shop-production-serve.service");
    assert.match(serve.text, /^ExecStart=.* serve --file "\/srv\/100%% shop\/tidegate\.yaml" --env production$/m);
    assert.match(serve.text, /^After=tidegate-shop-production-keeper\.service$/m);
  });

  it("have systemd open the listening sockets, and hand them to the keeper", () => {
    const listen = [
      { host: "0.0.0.0", port: 443 },
      { host: "::1", port: 8080 },
      { host: "shop.internal", port: 8081 },
    ];
    const socket = unitsOf({ ...ORDER, listen }).at(-1);
    assert.equal(socket?.name, "tidegate-shop-production-keeper.socket");
    assert.equal(
      socket.text,
      `# Written by tidegate service install.
[Unit]
Description=Tidegate's listening sockets of shop (production)

[Socket]
ListenStream=0.0.0.0:443
ListenStream=[::1]:8080
FreeBind=yes
TriggerLimitIntervalSec=0

[Install]
WantedBy=sockets.target
`,
    );
    assert.equal(unitsOf({ ...ORDER, listen: [] }).length, 2, "HAProxy opens its own");
  });

  it("of the machine run as the owner of the plan file", () => {
    const [keeper] = unitsOf({ ...ORDER, scope: "system" });
    assert.match(keeper?.text ?? "", /^User=ann$/m);
    assert.match(keeper?.text ?? "", /^WantedBy=multi-user\.target$/m);
  });

  it("write words as systemd reads them back", () => {
    assert.equal(
      commandLine(["/bin/node", "a b", 'say "hi"', "50%", "$HOME", "back\\slash"]),
      String.raw`/bin/node "a b" "say \"hi\"" 50%% "$$HOME" "back\\slash"`,
    );
  });

  it("can't hold a path with a line break", () => {
    assert.throws(() => unitsOf({ ...ORDER, folder: "/srv/a\nb" }), /control character/);
  });

  it("are shown by --dry-run, written by install, and pass systemd's own check where it is there", async () => {
    mkdirSync(folder.file("shop"));
    writeFileSync(
      folder.file("shop", "tidegate.yaml"),
      "app: shop\nservices: { web: { run: node server.js } }\ntraffic: { embedded: 8080 }\n",
    );
    const order = { cwd: folder.file("shop"), env: { XDG_CONFIG_HOME: folder.file("config") } };
    const units = folder.file("config", "systemd", "user");
    const dry = await tidegate(["service", "install", "--user", "--dry-run"], order);
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stdout, /^ExecStart=.* keeper --state \S+ --take-over$/m);
    assert.equal(existsSync(units), false);

    const installed = await tidegate(["service", "install", "--user"], order);
    assert.equal(installed.code, 0, installed.stderr);
    assert.match(installed.stdout, /systemctl --user enable --now/);
    const names = readdirSync(units);
    assert.deepEqual(names, [
      "tidegate-shop-production-keeper.service",
      "tidegate-shop-production-keeper.socket",
      "tidegate-shop-production-serve.service",
    ]);
    for (const name of names.filter((each) => each.endsWith(".service")))
      assert.match(readFileSync(join(units, name), "utf8"), /^KillMode=process$/m);
    const check = spawnSync("systemd-analyze", ["--user", "verify", ...names.map((name) => join(units, name))], {
      encoding: "utf8",
    });
    if (check.error === undefined) assert.doesNotMatch(check.stderr, /tidegate-shop.*(?:Unknown|Invalid|fail|bad)/i);
  });
});
