import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import type { SystemdRuntime } from "../../../src/core/plan/service.ts";
import { commandLine, environmentLine, unitNamePart } from "../../../src/core/text/unit-words.ts";
import { templateFile, templateOfUnit, unitName } from "../../../src/adapters/runtime/systemd/unit-names.ts";
import {
  isWrittenFor,
  PORT_PLACE,
  templateText,
  type UnitMaterial,
  type UnitOrder,
} from "../../../src/adapters/runtime/systemd/unit-text.ts";
import { WEB } from "../../support/plans.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const STATE = "/srv/shop/.tidegate";
const SHA = "9f2c1e4a".padEnd(40, "0");

interface Wanted {
  readonly unit?: Partial<SystemdRuntime>;
  readonly command?: string;
  readonly scope?: "system" | "user";
  readonly version?: number;
  readonly statePath?: string;
  readonly app?: string;
}

function order({ unit, statePath = STATE, app = "shop" }: Wanted = {}): UnitOrder {
  return {
    app,
    environment: "production",
    service: {
      ...WEB,
      runtime: { kind: "systemd", directory: "api", run: "", files: [], properties: {}, ...unit },
    },
    version: SHA,
    slot: "green",
    index: 1,
    role: "inactive",
    directory: `${statePath}/versions/9f2c1e4a0000-12345678/apps/shop`,
    secrets: {},
  };
}

function material(wanted: Wanted = {}): UnitMaterial {
  const {
    command = `node server.js --port ${PORT_PLACE}`,
    scope = "system",
    version = 252,
    statePath = STATE,
  } = wanted;
  return { order: order(wanted), manager: { scope, version }, command, statePath };
}

const lineOf = (text: string, key: string): string =>
  text
    .split("\n")
    .filter((line) => line.startsWith(`${key}=`))
    .map((line) => line.slice(key.length + 1))
    .join("\n");

describe("the template of a version's instances in a slot", () => {
  it("says all that they have in common, and where the rest is", () => {
    assert.equal(
      templateText(material()),
      `# Written by Tidegate for /srv/shop/.tidegate. What is changed here is lost with the next release.
[Unit]
Description=web of shop (production), green, 9f2c1e4a, instance %i
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=exec
User=root
WorkingDirectory=/srv/shop/.tidegate/versions/9f2c1e4a0000-12345678/apps/shop/api
EnvironmentFile=/srv/shop/.tidegate/systemd/units/%n/environment
ExecStart=/bin/sh -c "exec node server.js --port \${TIDEGATE_PORT}"
ExecStopPost=-+/bin/sh -c "echo \\"$$SERVICE_RESULT $$EXIT_CODE $$EXIT_STATUS\\" > \\"$$1/$$2/exit\\"" sh /srv/shop/.tidegate/systemd/units %n
Restart=always
RestartSec=500ms
TimeoutStopSec=5000ms
SyslogIdentifier=web
CPUAccounting=yes
MemoryAccounting=yes
ProtectSystem=full
ProtectControlGroups=yes
CapabilityBoundingSet=~CAP_SYS_ADMIN CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_BOOT CAP_SYS_TIME CAP_MAC_ADMIN CAP_MAC_OVERRIDE

[Install]
WantedBy=multi-user.target
`,
    );
  });

  it("shows an account of its own nothing of the state folder but its version", () => {
    const text = templateText(material({ unit: { user: "shop", group: "web" } }));
    assert.equal(lineOf(text, "User"), "shop");
    assert.equal(lineOf(text, "Group"), "web");
    assert.equal(lineOf(text, "TemporaryFileSystem"), "/srv/shop/.tidegate:ro,mode=0755");
    assert.equal(
      lineOf(text, "BindPaths"),
      "/srv/shop/.tidegate/versions/9f2c1e4a0000-12345678\n/srv/shop/.tidegate/systemd/units",
    );
  });

  it("of a user's own systemd asks for nothing that this one may not do", () => {
    const text = templateText(material({ scope: "user" }));
    assert.equal(lineOf(text, "WantedBy"), "default.target");
    assert.doesNotMatch(text, /^(?:User|ProtectSystem|CapabilityBoundingSet|After)=/m);
    assert.match(lineOf(text, "ExecStopPost"), /^-\/bin\/sh /);
  });

  it("writes limits and the user's own lines, which come last", () => {
    const unit = {
      slice: "shop.slice",
      memoryMax: "512M",
      cpuQuota: "80%",
      properties: { LimitNOFILE: ["65536"], Environment: ["A=1", "B=%i"], ProtectSystem: ["no"] },
    };
    const text = templateText(material({ unit }));
    assert.deepEqual(
      ["Slice", "MemoryMax", "CPUQuota", "LimitNOFILE", "Environment", "ProtectSystem"].map((key) => lineOf(text, key)),
      ["shop.slice", "512M", "80%", "65536", "A=1\nB=%i", "full\nno"],
    );
  });

  it("lets systemd lengthen the waits between crashes where it can", () => {
    const text = templateText(material({ version: 254 }));
    assert.deepEqual([lineOf(text, "RestartSteps"), lineOf(text, "RestartMaxDelaySec")], ["7", "30s"]);
    assert.doesNotMatch(templateText(material()), /RestartSteps/);
  });

  it("has systemd hand a line to the shell as it stands in the plan file, but for the port", () => {
    const command = `for i in $(seq 2); do echo "100% \${HOME} \\t"; done\nexec node -e 'listen(${PORT_PLACE})'`;
    assert.equal(
      lineOf(templateText(material({ command })), "ExecStart"),
      '/bin/sh -c "for i in $$(seq 2); do echo \\"100%% $${HOME} \\\\t\\"; done\\nexec node -e \'listen(${TIDEGATE_PORT})\'"',
    );
  });

  it("is known again by whom it was written for", () => {
    const text = templateText(material());
    assert.ok(isWrittenFor(text, STATE));
    assert.ok(!isWrittenFor(text, "/srv/shop"));
    assert.ok(!isWrittenFor("[Service]\nExecStart=/bin/true\n", STATE));
  });

  it("passes systemd's own check, with whatever names and paths", async (context) => {
    if (spawnSync("systemd-analyze", ["--version"]).error !== undefined) return context.skip("no systemd-analyze here");
    await using folder = temporaryFolder();
    const properties = { LimitNOFILE: ["65536"], StateDirectory: ["shop"], NoNewPrivileges: ["yes"] };
    const wanted: readonly Wanted[] = [
      {},
      { app: "b", unit: { user: "daemon", slice: "shop.slice", memoryMax: "20%", cpuQuota: "150%", properties } },
      { app: "c", statePath: "/srv/100% a:b [c] $HOME/.tidegate", unit: { user: "daemon" } },
      { app: "d", command: `echo 100% $HOME "\${A}" 'x'; echo \\\n  ${PORT_PLACE} # \t;` },
      { app: "e", scope: "user" },
    ];
    for (const scope of ["system", "user"] as const) {
      const mine = wanted.filter((each) => (each.scope ?? "system") === scope);
      mkdirSync(folder.file(scope));
      const paths = mine.map((each) => folder.file(scope, templateFile(order(each))));
      mine.forEach((each, index) => writeFileSync(paths[index] ?? "", templateText(material(each))));
      const check = spawnSync("systemd-analyze", [`--${scope}`, "verify", "--man=no", ...paths], { encoding: "utf8" });
      const told = check.stderr.split("\n").filter((line) => line.includes("tidegate-"));
      assert.deepEqual(told, []);
    }
  });
});

describe("names and words for systemd", () => {
  it("an instance's unit is the template's with its number", () => {
    assert.equal(unitName(order()), "tidegate-shop-production-web-green-9f2c1e4a@1.service");
    assert.equal(templateFile(order()), "tidegate-shop-production-web-green-9f2c1e4a@.service");
    assert.equal(templateOfUnit(unitName(order())), templateFile(order()));
  });

  it("a part of a unit's name holds nothing that can't stand there", () => {
    assert.equal(unitNamePart("prod/eu west@ü'1"), String.raw`prod\x2feu\x20west\x40\xc3\xbc\x271`);
    assert.equal(unitNamePart(".hidden"), String.raw`\x2ehidden`);
  });

  it("words are read back as they were", () => {
    assert.equal(
      commandLine(["/bin/node", "a b", 'say "hi"', "50%", "$HOME", "back\\slash", "two\nlines\t", "\u0007"]),
      String.raw`/bin/node "a b" "say \"hi\"" 50%% "$$HOME" "back\\slash" "two\nlines\t" "\u0007"`,
    );
  });

  it("a value of an environment file may hold anything", () => {
    assert.equal(
      environmentLine("KEY", 'a "b" $c `d` \\e %f\nsecond'),
      'KEY="a \\"b\\" \\$c \\`d\\` \\\\e %f\nsecond"',
    );
  });
});
