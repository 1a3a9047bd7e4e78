import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { loadPlanFile } from "../../src/config/load.ts";
import type { Guard, Limit } from "../../src/core/plan/guard.ts";
import type { Plan } from "../../src/core/plan/plan.ts";
import type { Step } from "../../src/core/plan/step.ts";
import { load, planOf } from "./loading.ts";

const FIXTURES = new URL("../fixtures/plans/", import.meta.url);

function brief(plan: Plan): readonly string[] {
  return plan.steps.map(({ id }) => id);
}

/** `errors: rollback 0.01; p95: rollback 2x` */
function watched({ guards }: Step): string {
  const spell = (limit: Limit): string =>
    "factor" in limit
      ? `${limit.factor}x${limit.kind === "before" ? " of before" : ""}`
      : `${limit.kind === "plain" ? "> " : ""}${limit.value}`;
  const levels = ({ limits }: Guard): string =>
    (["warn", "hold", "rollback"] as const)
      .flatMap((level) => (limits[level] === undefined ? [] : [`${level} ${limits[level].map(spell).join("+")}`]))
      .join(" ");
  return guards.map((guard) => `${guard.metric}: ${levels(guard)}`).join("; ");
}

const watchedIn = (plan: Plan): readonly string[] => plan.steps.map((step) => `${step.id} ${watched(step)}`.trim());

describe("The smallest plan file", () => {
  it("starts, asks the health path, shifts 5, 25 and 100 %, and retires; watched with the default guards", async () => {
    const plan = await planOf("");
    assert.deepEqual(watchedIn(plan), [
      "01-start restarts: rollback 2",
      "02-smoke restarts: rollback 2",
      "03-shift-5 errors: rollback 1.5x; p95: rollback 1.15x; restarts: rollback 2",
      "04-shift-25 errors: rollback 1.5x; p95: rollback 1.15x; restarts: rollback 2",
      "05-shift-100 errors: rollback 0.01; restarts: rollback 2",
      "06-retire",
    ]);
    assert.deepEqual(
      plan.steps.flatMap((step) => (step.kind === "shift" ? [step.hold] : [])),
      Array.from({ length: 3 }, () => ({ kind: "evidence", atLeastMs: 60_000, boundMs: 600_000 })),
    );
    assert.deepEqual(plan.services[0]?.routes, [{ path: "/" }]);
    assert.deepEqual(plan.traffic.listen, [{ host: "127.0.0.1", port: 8080 }]);
  });

  it("of workers alone needs no traffic, and shifts no share of it", async () => {
    const { plan } = await load("app: jobs\nservices: { worker: { run: node worker.js } }");
    assert.deepEqual(watchedIn(plan), [
      "01-start restarts: rollback 2",
      "02-shift-100 restarts: rollback 2",
      "03-retire",
    ]);
    assert.deepEqual(plan.traffic.listen, []);
  });
});

describe("The careful plan of the design, as far as it is built", () => {
  it("compiles to the plan that was looked through by hand", async () => {
    const expected = JSON.parse(readFileSync(new URL("careful/expected-plan.json", FIXTURES), "utf8")) as Plan;
    const env = { DATABASE_URL: "postgres://secret", CHAT_WEBHOOK: "https://chat.example.com/secret" };
    const { plan, files } = await loadPlanFile({ cwd: fileURLToPath(new URL("careful/", FIXTURES)), env });
    assert.deepEqual(plan, expected);
    assert.equal(files.length, 3);
    // It travels as JSON: nothing in it may be lost on the way.
    assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
  });
});

describe("Steps", () => {
  it("are numbered, with ids that say what they do", async () => {
    const plan = await planOf(
      `
      steps:
        - check: lists/before.md
        - approve: anyone
          name: Go / no-go!
        - window: quietest
        - phase: canary
          steps: [{ shift: [0.5%, 5%], for: 1h }]
        - run: ./scripts/purge.sh --all --quiet
        - shift:
          to: [50%, 100%]
        - notify: done
        - retire
    `,
      { files: { "lists/before.md": "- [ ] x" } },
    );
    assert.deepEqual(brief(plan), [
      "01-check-before",
      "02-go-no-go",
      "03-window",
      "04-start",
      "05-shift-0-5",
      "06-shift-5",
      "07-run-scripts-purge-sh-all-quiet",
      "08-shift-50",
      "09-shift-100",
      "10-notify",
      "11-retire",
    ]);
    assert.deepEqual(plan.steps[4]?.phase, { name: "canary" });
    assert.deepEqual(plan.steps[5]?.kind === "shift" && plan.steps[5].hold, { kind: "for", ms: 3_600_000 });
  });

  it("know their line in the file, but for those that Tidegate puts in", async () => {
    const plan = await planOf("steps:\n  - smoke\n  - shift: [5%, 100%]");
    assert.deepEqual(
      plan.steps.map(({ kind, at }) => [kind, at?.line]),
      [
        ["start", undefined],
        ["smoke", 6],
        ["shift", 7],
        ["shift", 7],
      ],
    );
  });

  it("do what their phase says when they fail, unless they say otherwise", async () => {
    const plan = await planOf(
      `
      steps:
        - shift: 5%
        - phase: middle
          else: step-back
          steps:
            - shift: 25%
            - approve: anyone
              else: hold
        - shift: 100%
    `,
    );
    assert.deepEqual(
      plan.steps.map((step) => step.else),
      ["rollback", "rollback", "step-back", "hold", "rollback"],
    );
  });
});

describe("Guards", () => {
  it("are laid over each other: default, plan, part of the life, phase, step; level by level", async () => {
    const plan = await planOf(
      `
      guards:
        errors: { warn: 0.5%, rollback: "> 2%", window: 30s, minRequests: 50 }
        cpu: { hold: 90% }
        before: { cpu: { hold: 70% } }
        during: { errors: { rollback: "> 0.4%" }, restarts: off }
        after: { errors: { warn: off, rollback: 3% }, p99: { rollback: 2s } }
      steps:
        - start
        - shift: 5%
        - phase: wide
          guards: { errors: { hold: 0.3%, minRequests: 500 } }
          steps:
            - shift: 25%
            - shift: 50%
              guards: { errors: off, p95: { rollback: [3s, 1.5x] } }
        - shift: 100%
        - retire
    `,
    );
    assert.deepEqual(watchedIn(plan), [
      "01-start cpu: hold 0.7; restarts: rollback 2",
      "02-shift-5 errors: warn 0.005 rollback > 0.004; p95: rollback 1.15x; cpu: hold 0.9",
      "03-shift-25 errors: warn 0.005 hold 0.003 rollback > 0.004; p95: rollback 1.15x; cpu: hold 0.9",
      "04-shift-50 p95: rollback 3000+1.5x; cpu: hold 0.9",
      "05-shift-100 errors: rollback 0.03; p99: rollback 2000; cpu: hold 0.9; restarts: rollback 2",
      "06-retire",
    ]);
    const errorsIn = (index: number): Guard | undefined => plan.steps[index]?.guards[0];
    assert.deepEqual([errorsIn(1)?.windowMs, errorsIn(1)?.minRequests, errorsIn(1)?.breaches], [30_000, 50, 3]);
    assert.deepEqual([errorsIn(2)?.windowMs, errorsIn(2)?.minRequests], [30_000, 500]);
  });

  it("that can't be excluded, and keys of windows where no limit has one, are refused with their place", async () => {
    for (const [guard, message] of [
      ["{ rollback: 1.5x, promote: 0% }", /A rate of 0% can't be excluded\./],
      ["{ rollback: 1.5x, promote: 200% }", /A rate of 200% can't be excluded\./],
      ["{ rollback: 1.5x, window: 10s }", /`window` is for limits over a window, and errors has none\./],
    ] as const)
      await assert.rejects(planOf(`guards: { errors: ${guard} }`), message);
  });

  it("that would pass a step with more than they hold or roll back for are refused with their place", async () => {
    for (const [guards, message] of [
      [
        "errors: { rollback: 0.1%, promote: 5% }",
        /A step would pass with errors that this guard rolls back for: `promote` asks only that 5% is excluded/,
      ],
      ["errors: { hold: 1%, rollback: 10%, promote: 5% }", /errors that this guard holds for/],
      ["websockets: { rollback: 1%, promote: 2% }", /WebSocket failures that this guard rolls back for/],
      ["availability: { rollback: 99.9%, promote: 1% }", /availability that this guard rolls back for/],
    ] as const)
      await assert.rejects(planOf(`guards: { ${guards} }`), message);
    for (const guards of [
      "errors: { rollback: 5%, promote: 5% }",
      "errors: { warn: 0.1%, rollback: 5%, promote: 1% }",
      "errors: { rollback: [0.1%, 1.5x], promote: 5% }",
      "errors: { rollback: 1.5x, promote: 5% }",
      "availability: { rollback: 99.9%, promote: 0.1% }",
      'websockets: { rollback: "> 1%", promote: 2% }',
    ])
      await planOf(`guards: { ${guards} }`);
  });

  it("that compare with stable give way to wider ones when all traffic is the new version's", async () => {
    const plan = await planOf(
      `
      guards:
        errors: { rollback: [0.1%, 1.5x] }
        p95: { warn: 800ms, rollback: [20ms, 2x] }
    `,
    );
    assert.deepEqual(watchedIn(plan).slice(2, 5), [
      "03-shift-5 errors: rollback 0.001+1.5x; p95: warn 800 rollback 20+2x; restarts: rollback 2".replace(
        "0.02+",
        "20+",
      ),
      "04-shift-25 errors: rollback 0.001+1.5x; p95: warn 800 rollback 20+2x; restarts: rollback 2",
      "05-shift-100 errors: rollback 0.01; p95: warn 800; restarts: rollback 2",
    ]);
  });

  it("that compare at 100 % itself compare with stable before the switch", async () => {
    const plan = await planOf(
      `
      guards:
        p95: { warn: 1.2x }
        after: { p95: { rollback: 1.02x }, errors: { hold: [0.5%, 2x] } }
      steps:
        - shift: 5%
        - shift: 100%
          guards: { p99: { warn: 1.5x } }
        - retire
    `,
    );
    assert.deepEqual(watchedIn(plan).slice(1, 3), [
      "02-shift-5 errors: rollback 1.5x; p95: warn 1.2x rollback 1.15x; restarts: rollback 2",
      "03-shift-100 errors: hold 0.005+2x of before rollback 0.01; p95: rollback 1.02x of before; p99: warn 1.5x of before; restarts: rollback 2",
    ]);
  });

  it("ask for the service's objective once all traffic is the new version's", async () => {
    const plan = await planOf(
      `
      guards:
        errors: { rollback: 1.5x, slo: 0.1% }
        availability: { slo: 99.9% }
        after: { availability: { slo: off }, p95: { slo: 1s } }
      steps:
        - shift: 5%
        - shift: 100%
        - approve: anyone
          after: 24h
          guards: { errors: { slo: 0.2% } }
    `,
    );
    const objectives = plan.steps.map(({ id, guards }) => [
      id,
      ...guards.flatMap(({ metric, slo }) => (slo === undefined ? [] : [`${metric} ${slo}`])),
    ]);
    assert.deepEqual(objectives.slice(1), [
      ["02-shift-5"],
      ["03-shift-100", "errors 0.001", "p95 1000"],
      ["04-approve-anyone", "errors 0.002"],
    ]);
  });

  it("watch a step after the release went live only where they are written on it", async () => {
    const plan = await planOf(
      `
      steps:
        - shift: 100%
        - approve: anyone
          after: 24h
          guards: { errors: { rollback: 5% } }
        - retire
    `,
    );
    assert.deepEqual(watchedIn(plan).slice(2), ["03-approve-anyone errors: rollback 0.05", "04-retire"]);
  });
});

describe("Short forms", () => {
  const traffic = async (written: string): Promise<Plan["traffic"]> =>
    (await load(`app: shop\nservices: { web: { run: x } }\ntraffic: ${written}`)).plan.traffic;

  it("of listeners", async () => {
    assert.deepEqual((await traffic("{ embedded: '0.0.0.0:80' }")).listen, [{ host: "0.0.0.0", port: 80 }]);
    assert.deepEqual((await traffic("{ embedded: '[::1]:80' }")).listen, [{ host: "::1", port: 80 }]);
    const { listen } = await traffic("{ embedded: [0, { port: 8443, tls: { certificate: tls/c.pem, key: /k.pem } }] }");
    assert.deepEqual(listen[0], { host: "127.0.0.1", port: 0 });
    assert.match(listen[1]?.tls?.certificate ?? "", /^\/.*\/tls\/c\.pem$/);
    assert.equal(listen[1]?.tls?.key, "/k.pem");
  });

  it("with a pause for versions that must never serve at once: then all of it moves in one step", async () => {
    const { plan } = await load("app: shop\nservices: { web: { run: x } }\ntraffic: { embedded: 1, pause: 8s }");
    assert.deepEqual(plan.traffic.pause, { forMs: 8_000 });
    const shares = plan.steps.flatMap((step) => (step.kind === "shift" ? [step.share] : []));
    assert.deepEqual(shares, [10_000]);
    assert.equal((await traffic("{ embedded: 1 }")).pause, undefined);
  });

  it("of stickiness", async () => {
    assert.deepEqual((await traffic("{ embedded: 1 }")).sticky, { kind: "cookie", name: "tidegate" });
    assert.deepEqual((await traffic("{ embedded: 1, sticky: cookie visitor }")).sticky, {
      kind: "cookie",
      name: "visitor",
    });
    assert.deepEqual((await traffic("{ embedded: 1, sticky: header Authorization }")).sticky, {
      kind: "header",
      name: "authorization",
      cookie: "tidegate",
    });
    assert.deepEqual((await traffic("{ embedded: 1, sticky: none }")).sticky, { kind: "none" });
  });

  it("of windows", async () => {
    const window = async (written: string): Promise<unknown> => {
      const step = (await planOf(`steps: [{ window: ${written} }, { shift: 100% }]`)).steps[0];
      return step?.kind === "window" && step.window;
    };
    assert.deepEqual(await window("quietest"), { kind: "quietest", hours: 3, zone: "UTC" });
    assert.deepEqual(await window("{ quietest: 5h, zone: Europe/Berlin }"), {
      kind: "quietest",
      hours: 5,
      zone: "Europe/Berlin",
    });
    assert.deepEqual(await window('["Mon 09:00-10:00 UTC", "Tue 09:00-10:00 UTC"]'), {
      kind: "times",
      spans: [
        { fromMinute: 540, toMinute: 600 },
        { fromMinute: 1_980, toMinute: 2_040 },
      ],
      zone: "UTC",
      text: "Mon 09:00-10:00 UTC, Tue 09:00-10:00 UTC",
    });
  });

  it("of health, whose time-out is never longer than its interval", async () => {
    const health = async (written: string): Promise<unknown> => {
      const { plan } = await load(
        `app: s\nservices: { web: { run: x, health: ${written} } }\ntraffic: { embedded: 1 }`,
      );
      const { everyMs, timeoutMs } = plan.services[0]?.health ?? {};
      return [everyMs, timeoutMs];
    };
    assert.deepEqual(await health("/health"), [10_000, 5_000]);
    assert.deepEqual(await health("{ ready: /health, every: 2s }"), [2_000, 2_000]);
    assert.deepEqual(await health("{ ready: /health, every: 2s, timeout: 500ms }"), [2_000, 500]);
  });

  it("of who is told", async () => {
    const names = async (written: string): Promise<readonly string[]> =>
      (await planOf(`notify: ${written}`)).notify.map((target) =>
        target.kind === "webhook" ? `${target.name} ${target.url}` : target.kind,
      );
    assert.deepEqual(await names("{}"), ["terminal"]);
    assert.deepEqual(await names("{ webhook: 'http://a/', terminal: false }"), ["webhook http://a/"]);
    assert.deepEqual(await names("{ webhook: ['http://a/', 'http://b/'] }"), [
      "terminal",
      "webhook http://a/",
      "webhook-2 http://b/",
    ]);
    assert.deepEqual(await names("{ webhook: { ops: 'http://a/' } }"), ["terminal", "ops http://a/"]);
  });

  it("of environment values, as the text that was written", async () => {
    const { plan } = await load(
      'app: s\nservices: { web: { run: x, env: { A: 8080, B: true, C: "1.10", D: "" } } }\ntraffic: { embedded: 1 }',
    );
    assert.deepEqual(plan.services[0]?.env, { A: "8080", B: "true", C: "1.10", D: "" });
  });
});

describe("An HAProxy that runs already", () => {
  const compiled = async (text: string) =>
    (await load(`app: shop\nservices: { web: { run: x } }\ntraffic: { haproxy: ${text} }`)).plan.traffic;

  it("is named by its socket, with a folder for its files", async () => {
    const { kind, listen, haproxy } = await compiled("/run/haproxy/admin.sock");
    assert.deepEqual({ kind, listen }, { kind: "haproxy", listen: [] });
    assert.deepEqual(haproxy, {
      balancers: [{ kind: "unix", path: "/run/haproxy/admin.sock" }],
      files: "/etc/haproxy/tidegate",
      inside: "/etc/haproxy/tidegate",
    });
  });

  it("or several are, on this machine, or elsewhere where somebody says so", async () => {
    const { haproxy, listen } = await compiled(
      "{ socket: [/a.sock, '127.0.0.1:9999', { tcp: '10.0.0.2:9999' }], files: false, inside: /srv, front: '10.0.0.1:80' }",
    );
    assert.deepEqual(haproxy?.balancers, [
      { kind: "unix", path: "/a.sock" },
      { kind: "tcp", host: "127.0.0.1", port: 9_999 },
      { kind: "tcp", host: "10.0.0.2", port: 9_999 },
    ]);
    assert.deepEqual([haproxy?.files, haproxy?.inside, listen], [null, "/srv", [{ host: "10.0.0.1", port: 80 }]]);
    await assert.rejects(compiled("'10.0.0.2:9999'"), /knows no password/);
    await assert.rejects(compiled("{ socket: /a.sock, inside: srv }"), /not the whole path/);
  });

  it("counts by method and path, not by headers", async () => {
    const only = (what: string): Promise<unknown> =>
      compiled(`/a.sock }\nguards: { errors: { features: { paying: { only: ${what}, rollback: 2x } } }`);
    await only("{ route: /pay, method: POST }");
    await assert.rejects(only("{ header: { x-plan: pro } }"), /does not tell the headers/);
  });

  it("is one data plane of two, and can't hold requests back", async () => {
    await assert.rejects(compiled("/a.sock, embedded: 1"), /not by both/);
    await assert.rejects(compiled("/a.sock, pause: 5s"), /HAProxy can't hold requests back/);
    await assert.rejects(load("app: s\nservices: { web: { run: x } }\ntraffic: { sticky: none }"), /who splits it/);
  });
});
