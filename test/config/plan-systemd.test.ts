import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SystemdRuntime } from "../../src/core/plan/service.ts";
import { load, mistakes } from "./loading.ts";

const planWith = (service: string): string =>
  `app: shop\nservices:\n  web: { ${service} }\ntraffic: { embedded: 8080 }\n`;

async function runtimeOf(service: string): Promise<unknown> {
  const { plan } = await load(planWith(service));
  return plan.services[0]?.runtime;
}

const LINE = { directory: ".", run: "node server.js", files: [] } as const;

describe("`systemd` of a service", () => {
  it("`true` is all that is needed; `false` leaves it to the keeper", async () => {
    const expected: SystemdRuntime = { kind: "systemd", ...LINE, properties: {} };
    assert.deepEqual(await runtimeOf("run: node server.js, systemd: true"), expected);
    assert.deepEqual(await runtimeOf("run: node server.js, systemd: false"), { kind: "process", ...LINE });
  });

  it("takes an account, limits and any other setting, one or several values each", async () => {
    const written =
      "{ user: shop, group: web, slice: shop.slice, memoryMax: 512M, cpuQuota: 80%, properties: { LimitNOFILE: 65536, NoNewPrivileges: true, Environment: [A=1, B=%i] } }";
    const expected: SystemdRuntime = {
      kind: "systemd",
      ...LINE,
      directory: "api",
      build: "npm ci",
      user: "shop",
      group: "web",
      slice: "shop.slice",
      memoryMax: "512M",
      cpuQuota: "80%",
      properties: { LimitNOFILE: ["65536"], NoNewPrivileges: ["yes"], Environment: ["A=1", "B=%i"] },
    };
    const service = `build: npm ci, run: node server.js, directory: api, systemd: ${written}`;
    assert.deepEqual(await runtimeOf(service), expected);
  });

  const wrong: readonly (readonly [what: string, service: string, told: RegExp])[] = [
    [
      "what Tidegate writes itself",
      "systemd: { properties: { Restart: no } }",
      /`Restart` is written by Tidegate itself/,
    ],
    ["what has a key of its own", "systemd: { properties: { User: shop } }", /Write `systemd: \{ user: … \}`/],
    ["a line break in a value", 'systemd: { properties: { Nice: "1\\nUser=root" } }', /`Nice` holds a line break/],
    ["a setting that can't be one", "systemd: { properties: { limit-nofile: 1 } }", /limit-nofile/],
    ["an amount without a meaning", "systemd: { memoryMax: much }", /memoryMax/],
    ["an account with a line break", 'systemd: { user: "shop\\nUser=root" }', /user/],
    ["a slice that is none", "systemd: { slice: shop }", /slice/],
    ["an unknown key", "systemd: { memory: 512M }", /`memory`/],
  ];
  for (const [what, service, told] of wrong) {
    it(`refuses ${what}`, async () => assert.match(await mistakes(planWith(`run: node server.js, ${service}`)), told));
  }

  it("is for services with `run`", async () => {
    const files = { "compose.yaml": "services: { web: { image: shop } }" };
    const told = await mistakes(planWith("compose: web, systemd: true"), { files });
    assert.match(told, /`systemd` is for services with `run`, and `web` has `compose`/);
    assert.match(await mistakes(planWith("systemd: true")), /`run` is missing/);
  });
});
