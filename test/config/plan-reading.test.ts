import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Service } from "../../src/core/plan/service.ts";
import { PlanFileError } from "../../src/config/plan-file-error.ts";
import { load, planOf, planWith, tells } from "./loading.ts";

const runOf = (service: Service | undefined): string | undefined =>
  service?.runtime.kind === "process" ? service.runtime.run : undefined;

const SHARES = (plan: { steps: readonly object[] }): readonly number[] =>
  plan.steps.flatMap((step) => ("share" in step ? [step.share as number] : []));

describe("The plan file is looked for in the folder, and nowhere else", () => {
  for (const name of ["tidegate.yaml", "tidegate.yml"]) {
    it(`as ${name}`, async () => {
      const { file, folder, files } = await load(null, { files: { [name]: planWith("") } });
      assert.equal(file, `${folder}/${name}`);
      assert.deepEqual(files, [file]);
    });
  }

  it("or where --file says", async () => {
    const { file } = await load(null, { files: { "release/shop.yaml": planWith("") }, path: "release/shop.yaml" });
    assert.match(file, /release\/shop\.yaml$/);
  });

  it("and the plan is the same from wherever it is looked at", async () => {
    const there = await load(null, {
      files: { "release/tidegate.yaml": planWith("steps: [{ shift: 100% }]") },
      path: "release/tidegate.yaml",
    });
    assert.deepEqual(there.plan, await planOf("steps: [{ shift: 100% }]"));
  });

  it("and says so when there is none", async () => {
    await assert.rejects(load(null), (error: Error & { faults: readonly object[] }) => {
      const [{ where: _, ...fault }] = error.faults as readonly [Record<string, string>];
      assert.deepEqual(fault, {
        code: "plan-file-missing",
        what: "There is no plan file here.",
        fix: "Write one with `tidegate init`, go to the folder that has one, or name it: `--file PATH`.",
      });
      return true;
    });
  });

  it("and says what was meant when the named one does not exist", async () => {
    await assert.rejects(load(planWith(""), { path: "tidgate.yaml" }), {
      message: "There is no plan file `tidgate.yaml`; did you mean `tidegate.yaml`?",
    });
  });

  it("and does not choose between two", async () => {
    await assert.rejects(load(planWith(""), { files: { "tidegate.yml": planWith("") } }), {
      message: "Here are tidegate.yaml and tidegate.yml, and only one of them can be the plan file.",
    });
  });
});

describe("An overlay is laid over the file", () => {
  const base = planWith("guards: { errors: { warn: 0.5%, rollback: 2% } }\nsteps:\n  - shift: [5%, 100%]");

  it("map by map, and list for list", async () => {
    const { plan, files, overrides } = await load(base, {
      environment: "staging",
      files: {
        "tidegate.staging.yaml":
          "guards: { errors: { rollback: 1% } }\nsteps: [{ shift: 100% }]\nservices: { web: { replicas: 3 } }",
      },
    });
    assert.equal(plan.environment, "staging");
    assert.deepEqual(SHARES(plan), [10_000]);
    assert.deepEqual(plan.steps.find(({ kind }) => kind === "shift")?.guards[0]?.limits, {
      warn: [{ kind: "absolute", value: 0.005 }],
      rollback: [{ kind: "absolute", value: 0.01 }],
    });
    assert.equal(plan.services[0]?.replicas, 3);
    assert.equal(runOf(plan.services[0]), "node server.js");
    assert.equal(files.length, 2);
    assert.deepEqual(overrides, [
      { name: "--env", value: "staging", key: "environment", from: "production", to: "staging" },
    ]);
  });

  it("which is told in its own file and line when it is wrong", () =>
    tells(
      base,
      `
        The share goes down here, from 50% to 20%.
          where  tidegate.staging.yaml:3:12 · steps[1].shift
          seen   3 |   - shift: 20%
                   |            ^^^
          fix    Shares only go up in a plan; going back is what \`else: step-back\` and a rollback do.
          code   plan-steps-order

        \`replica\` is not known here; did you mean \`replicas\`?
          where  tidegate.staging.yaml:5:20 · services.web.replica
          seen   5 | services: { web: { replica: 3 } }
                   |                    ^^^^^^^
          code   plan-key-unknown
      `,
      {
        environment: "staging",
        files: {
          "tidegate.staging.yaml":
            "steps:\n  - shift: 50%\n  - shift: 20%\n  - shift: 100%\nservices: { web: { replica: 3 } }",
        },
      },
    ));

  it("of DEPLOYMENT_ENV too, unless the command line says otherwise", async () => {
    const files = { "tidegate.staging.yaml": "patrol: 1m", "tidegate.canary.yaml": "patrol: 2m" };
    const env = { DEPLOYMENT_ENV: "staging" };
    assert.equal((await load(base, { env, files })).plan.patrolMs, 60_000);
    assert.equal((await load(base, { env, files, environment: "canary" })).plan.patrolMs, 120_000);
  });

  it("and a name without an overlay is noted where others have one", async () => {
    const { notes } = await load(base, { environment: "stagign", files: { "tidegate.staging.yaml": "patrol: 1m" } });
    assert.deepEqual(notes, [
      "There is no tidegate.stagign.yaml: tidegate.yaml applies as it is. There are overlays for staging.",
    ]);
  });

  it("never from outside of the folder", async () => {
    await assert.rejects(load(base, { environment: "../../etc/x" }), {
      message: "`../../etc/x` is not the name of an environment.",
    });
  });
});

describe("YAML is YAML", () => {
  it("with anchors, aliases and merge keys", async () => {
    const { plan } = await load(`
      x-service: &service
        run: node \${dir}/server.js
        health: { ready: /health, every: 7s }
      app: shop
      services:
        web: { <<: *service, route: / }
        api:
          <<: [{ replicas: 4 }, *service]
          route: &api /api
          health: /ready
      traffic: { embedded: 8080 }
      steps:
        - warm: [*api]
        - shift: 100%
    `);
    const [web, api] = plan.services;
    assert.deepEqual([web?.health?.everyMs, web?.replicas], [7_000, 1]);
    assert.deepEqual([api?.health?.ready, api?.replicas, runOf(api)], ["/ready", 4, "node ${dir}/server.js"]);
    assert.deepEqual(plan.steps[1]?.kind === "warm" && plan.steps[1].warm.pages, ["/api"]);
  });

  it("with a byte order mark and Windows line ends", async () => {
    const { plan } = await load(`\uFEFF${planWith("patrol: 1m").replaceAll("\n", "\r\n")}`);
    assert.equal(plan.patrolMs, 60_000);
  });

  it("but no bomb of aliases", async () => {
    const levels = "abcdefgh".split("").map((name, index, all) => {
      const before = all[index - 1];
      return `x-${name}: &${name} [${Array(10)
        .fill(before === undefined ? "0" : `*${before}`)
        .join(", ")}]`;
    });
    await assert.rejects(load(planWith(levels.join("\n"))), { message: "tidegate.yaml holds more than 50000 values." });
  });

  it("nor is every one of very many mistakes told: the first twenty, and how many more there are", async () => {
    const keys = Array.from({ length: 20_000 }, (_, index) => `key${index}: ${index}`);
    await assert.rejects(load(planWith(keys.join("\n"))), (error) => {
      assert.ok(error instanceof PlanFileError);
      const told = error.faults.map(({ what }) => what);
      assert.equal(told.length, 21);
      assert.equal(told[19], "`key19` is not known here.");
      assert.equal(told[20], "… and 19980 more mistakes.");
      return true;
    });
  });

  it("and a key that objects have by themselves is a key like any other", () =>
    tells(
      planWith("__proto__: { polluted: true }"),
      `
        \`__proto__\` is not known here.
          where  tidegate.yaml:5:1 · __proto__
          seen   5 | __proto__: { polluted: true }
                   | ^^^^^^^^^
          fix    Known here: app, services, compose, traffic, database, guards, metrics, probes, twin, rehearsal, notify, page, people, automaticRollback, budget, keepVersions, patrol, steps.
          code   plan-key-unknown
      `,
    ));
});

describe("Environment variables go before the files", () => {
  const env = {
    HEALTH_CHECK_INTERVAL: "3",
    HEALTH_CHECK_TIMEOUT: "1500ms",
    CANARY_PERCENTAGE: "10",
    CANARY_DURATION: "90",
    AUTOMATIC_ROLLBACK_ON_ERROR: "false",
  };

  it("and each is told with what it changed", async () => {
    const { plan, overrides, notes } = await load(planWith("steps:\n  - shift: [5%, 25%, 100%]\n    for: 1h"), { env });
    assert.deepEqual(SHARES(plan), [1_000, 2_500, 10_000]);
    assert.deepEqual(
      plan.steps.flatMap((step) => (step.kind === "shift" ? [step.hold] : [])),
      [90_000, 3_600_000, 3_600_000].map((ms) => ({ kind: "for", ms })),
    );
    assert.deepEqual([plan.services[0]?.health?.everyMs, plan.services[0]?.health?.timeoutMs], [3_000, 1_500]);
    assert.equal(plan.automaticRollback, false);
    assert.deepEqual(notes, []);
    assert.deepEqual(overrides, [
      { name: "HEALTH_CHECK_INTERVAL", value: "3", key: "services.web.health.every", from: "10s", to: "3s" },
      { name: "HEALTH_CHECK_TIMEOUT", value: "1500ms", key: "services.web.health.timeout", from: "5s", to: "1s500ms" },
      { name: "CANARY_PERCENTAGE", value: "10", key: "steps[0].shift[0]", from: "5%", to: "10%" },
      { name: "CANARY_DURATION", value: "90", key: "steps[0].for", from: "1h", to: "1m30s" },
      { name: "AUTOMATIC_ROLLBACK_ON_ERROR", value: "false", key: "automaticRollback", from: "true", to: "false" },
    ]);
  });

  it("also before the default steps", async () => {
    const { plan, overrides } = await load(planWith(""), { env: { CANARY_PERCENTAGE: "7%" } });
    assert.deepEqual(SHARES(plan), [700, 2_500, 10_000]);
    assert.equal(overrides[0]?.key, "steps (default)");
  });

  it("and an empty one is none", async () => {
    const { overrides } = await load(planWith(""), { env: { CANARY_PERCENTAGE: "", DEPLOYMENT_ENV: " " } });
    assert.deepEqual(overrides, []);
  });

  it("and one that changes nothing is noted", async () => {
    const { notes } = await load(
      `
        app: shop
        services: { web: { run: node server.js } }
        traffic: { embedded: 8080 }
      `,
      { env: { HEALTH_CHECK_INTERVAL: "3" } },
    );
    assert.deepEqual(notes, ["HEALTH_CHECK_INTERVAL=3 changes nothing: the plan has no place for it."]);
  });

  it("and nonsense in them is told, all at once", () =>
    tells(
      planWith(""),
      `
        The environment variable DEPLOYMENT_ENV makes no sense: \`a/b\` is not the name of an environment.
          where  environment variable DEPLOYMENT_ENV
          fix    Use letters, digits, \`-\` and \`_\`: \`staging\`.
          code   environment-variable-invalid

        The environment variable HEALTH_CHECK_INTERVAL makes no sense: \`soon\` is not a duration.
          where  environment variable HEALTH_CHECK_INTERVAL
          fix    Write a number and its unit: \`500ms\`, \`30s\`, \`5m\`, \`2h\`, \`3d\`, \`1w\`, or \`1h30m\`.
          code   environment-variable-invalid

        The environment variable CANARY_PERCENTAGE makes no sense: \`150%\` is more than all of the traffic.
          where  environment variable CANARY_PERCENTAGE
          fix    A share is at most \`100%\`.
          code   environment-variable-invalid

        The environment variable CANARY_DURATION makes no sense: \`0\` is nothing.
          where  environment variable CANARY_DURATION
          fix    Give a value above 0.
          code   environment-variable-invalid

        The environment variable AUTOMATIC_ROLLBACK_ON_ERROR makes no sense: \`maybe\` is neither \`true\` nor \`false\`.
          where  environment variable AUTOMATIC_ROLLBACK_ON_ERROR
          fix    Write \`true\` or \`false\`.
          code   environment-variable-invalid
      `,
      {
        env: {
          DEPLOYMENT_ENV: "a/b",
          HEALTH_CHECK_INTERVAL: "soon",
          CANARY_PERCENTAGE: "150",
          CANARY_DURATION: "0",
          AUTOMATIC_ROLLBACK_ON_ERROR: "maybe",
        },
      },
    ));

  it("and a first shift above the second is told as theirs", () =>
    tells(
      planWith("steps:\n  - shift: [5%, 25%, 100%]"),
      `
        The share goes down here, from 30% to 25% (CANARY_PERCENTAGE=30 sets the first shift).
          where  tidegate.yaml:6:17 · steps[0].shift[1]
          seen   6 |   - shift: [5%, 25%, 100%]
                   |                 ^^^
          fix    Shares only go up in a plan; going back is what \`else: step-back\` and a rollback do.
          code   plan-steps-order
      `,
      { env: { CANARY_PERCENTAGE: "30" } },
    ));

  it("and so is the only shift, when it is no longer to 100%", () =>
    tells(
      planWith("steps:\n  - shift: 100%"),
      `
        No shift gives the new version all of the traffic: the highest is 10% (CANARY_PERCENTAGE=10 sets the only shift).
          where  tidegate.yaml:6:12 · steps[0].shift
          seen   6 |   - shift: 100%
                   |            ^^^^
          fix    End with \`- shift: 100%\`.
          code   plan-steps-order
      `,
      { env: { CANARY_PERCENTAGE: "10" } },
    ));
});

describe("References", () => {
  it("are kept by name, with no value anywhere in the plan", async () => {
    const canary = "canary-secret-4711";
    const { plan, references } = await load(
      `
        app: shop
        services:
          web:
            run: node server.js --port \${port} --key \${API_KEY}
            env: { DATABASE_URL: "\${DATABASE_URL}", LITERAL: "$\${NOT_A_REFERENCE}" }
        traffic: { embedded: 8080, pins: { token: "\${PIN_TOKEN}" } }
        notify: { webhook: "\${HOOK}" }
        steps:
          - smoke:
              login: [{ get: /me, auth: { bearer: "\${SMOKE_TOKEN}" } }]
          - check: list.md
          - shift: 100%
      `,
      {
        env: Object.fromEntries(
          ["API_KEY", "DATABASE_URL", "PIN_TOKEN", "HOOK", "SMOKE_TOKEN", "CHECK_KEY"].map((name) => [name, canary]),
        ),
        files: { "list.md": "- [ ] Up <!-- check: http https://example.com/?key=${CHECK_KEY} -->" },
      },
    );
    assert.deepEqual(references, ["API_KEY", "CHECK_KEY", "DATABASE_URL", "HOOK", "PIN_TOKEN", "SMOKE_TOKEN"]);
    assert.equal(JSON.stringify(plan).includes(canary), false);
  });
});

describe("Shell lines", () => {
  it("may use what the shell has by itself: its own variables, and what Tidegate gives it", async () => {
    const { references } = await load(
      `
        app: shop
        services:
          web: { run: 'for part in a b; do ./serve "\${part}" \${PORT} \${BLUE_GREEN_MODE}; done' }
        traffic: { embedded: 8080 }
        steps:
          - warm: { pages: ["/\${version}"], until: 'test "\${TIDEGATE_URL}" != "\${KEY}"' }
          - smoke: [{ run: 'FOUND=1; echo \${FOUND} \${TIDEGATE_HEADERS}' }]
          - run: ./purge.sh \${TIDEGATE_STABLE_VERSION} \${slot} $\${literal}
          - shift: 100%
      `,
      { env: { KEY: "x" } },
    );
    assert.deepEqual(references, ["KEY"]);
  });

  it("in which Tidegate fills nothing in say so", () =>
    tells(
      planWith(`
        steps:
          - warm: { pages: [/], until: './warm.sh \${version}' }
          - shift: 100%
      `),
      `
        \`\${version}\` is not known here.
          where  tidegate.yaml:6:43 · steps[0].warm.until
          seen   6 |   - warm: { pages: [/], until: './warm.sh \${version}' }
                   |                                           ^^^^^^^^^^
          fix    Tidegate fills nothing in here. A variable of the shell's own is written \`$version\`.
          code   plan-name-unknown
      `,
    ));
});

describe("A plan in TypeScript", () => {
  const config = (body: string): Record<string, string> => ({
    "tidegate.config.ts": `import { defineConfig, type PlanFile } from "tidegate";\n${body}`,
  });

  it("is the same plan, also where Tidegate is not installed beside it", async () => {
    const { plan } = await load(null, {
      files: config(`
        const web: PlanFile["services"][string] = { run: "node server.js", health: "/health" };
        export default defineConfig({
          app: "shop",
          services: { web },
          traffic: { embedded: 8080 },
          steps: ["start", { shift: ["5%", "100%"], for: undefined }, "retire"],
        });`),
    });
    const yaml = await planOf("steps:\n  - start\n  - shift: [5%, 100%]\n  - retire");
    const withoutLines = JSON.parse(
      JSON.stringify(yaml, (key, value: unknown) => (key === "at" ? undefined : value)),
    ) as unknown;
    assert.deepEqual(plan, withoutLines);
  });

  it("is a module, also in an app whose own files are CommonJS", async () => {
    const { plan } = await load(null, {
      files: {
        ...config(
          `export default defineConfig({ app: "shop", services: { web: { run: "x", route: "/" } }, traffic: { embedded: 8080 } });`,
        ),
        "package.json": '{ "type": "commonjs" }',
      },
    });
    assert.equal(plan.app, "shop");
  });

  it("takes overlays in YAML", async () => {
    const { plan } = await load(null, {
      files: {
        ...config(`export default { app: "shop", services: { web: { run: "x" } }, traffic: { embedded: 8080 } };`),
        "tidegate.staging.yaml": "patrol: 1m",
      },
      environment: "staging",
    });
    assert.equal(plan.patrolMs, 60_000);
  });

  it("has its mistakes told by their keys", () =>
    tells(
      null,
      `
        \`replica\` is not known here; did you mean \`replicas\`?
          where  tidegate.config.ts · services.web.replica
          code   plan-key-unknown

        \`10\` has no unit.
          where  tidegate.config.ts · steps[1].for
          fix    Write \`10s\` for seconds, \`10m\` for minutes, \`10h\` for hours or \`10d\` for days.
          code   plan-value-invalid

        \`run\` must be a shell line, not a function.
          where  tidegate.config.ts · steps[2].run
          fix    Write it like \`run: ./purge-cdn.sh\`.
          code   plan-value-invalid
      `,
      {
        files: config(`export default {
          app: "shop",
          services: { web: { run: "x", replica: 2 } },
          traffic: { embedded: 8080 },
          steps: ["start", { shift: "100%", for: 10 }, { run: () => 1 }],
        };`),
      },
    ));

  it("that can't be run says why", () =>
    tells(
      null,
      `
        The file can't be run.
          where  tidegate.config.ts:2:1
          cause  ReferenceError: nothing is not defined
          seen   2 | export default nothing;
                   | ^^^^^^^^^^^^^^^^^^^^^^^
          fix    It is TypeScript with erasable types only, run by Node itself: no enums, and imports with their file ending.
          code   plan-file-invalid
      `,
      { files: config("export default nothing;") },
    ));

  it("without a default export says so", () =>
    tells(
      null,
      `
        The file has no default export.
          where  tidegate.config.ts
          fix    Write \`export default defineConfig({ app: "shop", … })\`, with \`import { defineConfig } from "tidegate"\`.
          code   plan-file-invalid
      `,
      { files: config("export const plan = {};") },
    ));
});
