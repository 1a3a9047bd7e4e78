import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Guard } from "../../src/core/plan/guard.ts";
import { mistakes, planOf, planWith } from "./loading.ts";

const METRICS = "metrics: { prometheus: http://127.0.0.1:9090 }";
const CARTS = `sum(rate(carts_total{version="\${version}"}[1m]))`;

async function guardsAt(text: string, share: number): Promise<readonly Guard[]> {
  const { steps } = await planOf(text);
  return steps.find((step) => step.kind === "shift" && step.share === share)?.guards ?? [];
}

async function guardAt(text: string, share: number, name: string): Promise<Guard | undefined> {
  return (await guardsAt(text, share)).find(({ metric }) => metric === name);
}

describe("A guard with a source", () => {
  it("stands beside Tidegate's own, in the unit and the direction that its words say", async () => {
    const guard = await guardAt(
      `${METRICS}\nguards: { carts: { prometheus: '${CARTS}', hold: 0.9x, delay: 1m } }`,
      500,
      "carts",
    );
    deepEqual(guard, {
      metric: "carts",
      source: {
        from: { kind: "prometheus", at: { url: "http://127.0.0.1:9090", headers: {} }, query: CARTS },
        everyMs: 15_000,
        timeoutMs: 5_000,
        reachMs: 60_000,
        unit: "/s",
        worse: "lower",
        isByVersion: true,
        service: "web",
      },
      limits: { hold: [{ kind: "relative", factor: 0.9 }] },
      windowMs: 0,
      minRequests: 1,
      minEvents: 1,
      breaches: 3,
      delayMs: 60_000,
    });
  });

  it("has limits in the unit of its source", async () => {
    const limitOf = async (written: string): Promise<unknown> => {
      const guard = await guardAt(`${METRICS}\nguards: { x: { prometheus: x, ${written} } }`, 500, "x");
      return [guard?.limits.rollback?.[0], guard?.source?.unit, guard?.source?.worse];
    };
    deepEqual(await limitOf("rollback: 5"), [{ kind: "plain", value: 5 }, "", "higher"]);
    deepEqual(await limitOf('rollback: "< 5 jobs"'), [{ kind: "plain", value: 5 }, "jobs", "lower"]);
    deepEqual(await limitOf("rollback: 1%"), [{ kind: "plain", value: 0.01 }, "share", "higher"]);
    deepEqual(await limitOf("rollback: 1%, unit: percent"), [{ kind: "plain", value: 1 }, "percent", "higher"]);
    deepEqual(await limitOf("rollback: 800ms"), [{ kind: "plain", value: 0.8 }, "s", "higher"]);
    deepEqual(await limitOf("rollback: 800ms, unit: ms"), [{ kind: "plain", value: 800 }, "ms", "higher"]);
    deepEqual(await limitOf("rollback: 2 GB"), [{ kind: "plain", value: 2e9 }, "bytes", "higher"]);
    deepEqual(await limitOf("rollback: 99, worse: lower"), [{ kind: "plain", value: 99 }, "", "lower"]);
  });

  it("has its source once, and other limits, or none, in other places", async () => {
    const text = `
${METRICS}
guards:
  jobs: { prometheus: jobs, rollback: 10 }
  before: { jobs: { rollback: 3 } }
steps:
  - shift: 5%
  - shift: 25%
    guards: { jobs: { rollback: 20, breaches: 1 } }
  - shift: 50%
    guards: { jobs: off }
  - shift: 100%
`;
    const { steps } = await planOf(text);
    deepEqual(
      steps.map(({ kind, guards }) => [kind, guards.find(({ metric }) => metric === "jobs")?.limits.rollback?.[0]]),
      [
        ["start", { kind: "plain", value: 3 }],
        ["shift", { kind: "plain", value: 10 }],
        ["shift", { kind: "plain", value: 20 }],
        ["shift", undefined],
        ["shift", { kind: "plain", value: 10 }],
      ],
    );
  });

  it("of the whole plan is not looked at before there is traffic", async () => {
    const { steps } = await planOf(`${METRICS}\nguards: { jobs: { prometheus: jobs, rollback: "< 1" } }`);
    const watched = steps
      .filter(({ guards }) => guards.some(({ metric }) => metric === "jobs"))
      .map(({ kind }) => kind);
    equal(
      watched.every((kind) => kind === "shift"),
      true,
      watched.join(", "),
    );
  });

  it("is asked with a range where that is written", async () => {
    const { over } = await fromOf("{ query: x, over: 10m, take: max }");
    deepEqual(over, { ms: 600_000, stepMs: 10_000, take: "max" });
  });

  it("keeps secrets as references", async () => {
    const plan = await planOf(
      `metrics: { prometheus: { url: "https://p.test", bearer: "\${TOKEN}" } }\nguards: { x: { prometheus: x, warn: 1 } }`,
      { env: { TOKEN: "s3cret" } },
    );
    equal(JSON.stringify(plan).includes("s3cret"), false);
    equal(JSON.stringify(plan).includes("${TOKEN}"), true);
  });
});

describe("Each kind of source", () => {
  const made = async (guard: string, metrics = ""): Promise<unknown> => {
    const text = `${metrics === "" ? "" : `metrics: { ${metrics} }\n`}guards: { x: { ${guard} } }`;
    const found = await guardAt(text, 500, "x");
    if (found?.source === undefined) throw new Error("It has no source.");
    const { from, everyMs, unit, worse, isByVersion } = found.source;
    return [from, everyMs, unit, worse, isByVersion, found.windowMs];
  };

  it("an address and a JMESPath", async () =>
    deepEqual(await made('http: "https://x.test/?v=${version}", select: queues.failed, rollback: 5'), [
      { kind: "http", at: { url: "https://x.test/?v=${version}", headers: {} }, select: "queues.failed" },
      10_000,
      "",
      "higher",
      true,
      0,
    ]));

  it("a command, as a line or as a list", async () => {
    deepEqual(await made("command: bin/jobs --failed, rollback: 5"), [
      { kind: "command", command: "bin/jobs --failed" },
      10_000,
      "",
      "higher",
      false,
      0,
    ]);
    deepEqual(await made('command: [bin/jobs, "${version}"], hold: 2x'), [
      { kind: "command", command: ["bin/jobs", "${version}"] },
      10_000,
      "",
      "higher",
      true,
      0,
    ]);
  });

  it("lines of the logs, whose usual window is a minute", async () =>
    deepEqual(await made("log: CRITICAL|panic, rollback: 0, service: web"), [
      { kind: "log", pattern: "CRITICAL|panic", service: "web" },
      10_000,
      "/min",
      "higher",
      true,
      60_000,
    ]));

  it("Redis, of which a lower hit rate is the worse one", async () =>
    deepEqual(await made("redis: hit-rate, hold: 80%", "redis: redis://127.0.0.1"), [
      { kind: "redis", url: "redis://127.0.0.1", figure: "hit-rate" },
      10_000,
      "share",
      "lower",
      false,
      0,
    ]));

  it("PostgreSQL, of sessions of a version too", async () => {
    const at = "postgres: postgres://db.internal/shop";
    deepEqual(await made("postgres: longest-transaction, warn: 30s", at), [
      { kind: "postgres", url: "postgres://db.internal/shop", figure: "longest-transaction" },
      10_000,
      "s",
      "higher",
      false,
      0,
    ]);
    deepEqual(
      await made('postgres: { figure: slow-queries, slow: 2s, application: "web-${version}" }, hold: 1.5x', at),
      [
        {
          kind: "postgres",
          url: "postgres://db.internal/shop",
          figure: "slow-queries",
          application: "web-${version}",
          slowMs: 2_000,
        },
        10_000,
        "",
        "higher",
        true,
        0,
      ],
    );
  });
});

async function fromOf(written: string): Promise<Extract<NonNullable<Guard["source"]>["from"], { kind: "prometheus" }>> {
  const guard = await guardAt(`${METRICS}\nguards: { x: { prometheus: ${written}, warn: 1 } }`, 500, "x");
  const from = guard?.source?.from;
  if (from?.kind !== "prometheus") throw new Error("It has no source.");
  return from;
}

describe("What is wrong with a guard with a source is told at its place", () => {
  const told = (guards: string, what: string, fix: string, place: string, metrics = METRICS): Promise<void> => {
    const [at = "", key = "", code = "plan-value-invalid"] = place.split(" ");
    return tellsOf(planWith(`${metrics}\n${guards}`), { what, fix, at, key, code });
  };

  it("a comparison of a figure that is the same for both versions", () =>
    told(
      "guards: { queue: { prometheus: sum(queue), hold: 0.9x } }",
      "This compares with stable, and the source says the same of both versions.",
      'Have it told apart by `${version}` or `${slot}`, as in `{version="${version}"}`, or write a limit of its own.',
      "6:50 guards.queue.hold",
    ));

  it("limits that say opposite things", () =>
    told(
      'guards: { queue: { prometheus: sum(queue), worse: lower, hold: "> 5" } }',
      "This says that more is worse, and elsewhere stands that less is.",
      '`1.5x` and `"> 5"` say that more is worse, `0.9x` and `"< 5"` that less is: all limits of a figure say the same.',
      "6:64 guards.queue.hold",
    ));

  it("a unit in which its figure is not told", () =>
    told(
      "guards: { queue: { prometheus: sum(queue), unit: jobs, hold: 5% } }",
      "`5%` can't be held against this figure, which is told in `jobs`.",
      "Write a bare number, or say with `unit` how its source tells it: share, percent, ms, s, bytes, or a text of your own.",
      "6:62 guards.queue.hold",
    ));

  it("a name that Tidegate does not fill in there", () =>
    told(
      "guards: { queue: { prometheus: 'queue{port=\"${port}\"}', hold: 5 } }",
      "`${port}` is not known here.",
      "Known here: ${version}, ${slot}, ${service}, ${app}, ${environment}. For the text itself write `$${port}`.",
      "6:45 guards.queue.prometheus plan-name-unknown",
    ));

  it("a Prometheus that nobody named", () =>
    told(
      "guards: { queue: { prometheus: queue, hold: 5 } }",
      "Nothing says where Prometheus is.",
      "Write its address: `metrics: { prometheus: http://127.0.0.1:9090 }`.",
      "6:20 guards.queue.prometheus plan-key-missing",
      "budget: 5m",
    ));

  it("a secret in plain text", () =>
    told(
      "guards: { queue: { prometheus: queue, hold: 5 } }",
      "A secret can't stand here in plain text: the plan is kept in the journal.",
      "Write a reference to an environment variable: `${METRICS_TOKEN}`.",
      "5:61 metrics.prometheus.bearer",
      'metrics: { prometheus: { url: "https://p.internal", bearer: abc } }',
    ));

  it("a JMESPath that can't be read", () =>
    told(
      'guards: { x: { http: "https://x.test", select: "queues[", hold: 5 } }',
      "This is no JMESPath: expected Star, got: EOF.",
      "Write it as on https://jmespath.org: `queues.failed`, `length(jobs[?failed])`, `sum(shards[].length)`.",
      "6:48 guards.x.select",
    ));

  it("a pattern that is no regular expression", () =>
    told(
      'guards: { x: { log: "CRITICAL(", rollback: 0 } }',
      "This is no regular expression: /CRITICAL(/u: Unterminated group.",
      "Write it as JavaScript does: `CRITICAL|panic`, and a character with a meaning of its own as `\\[`.",
      "6:21 guards.x.log",
    ));

  it("two sources, or none", async () => {
    await told(
      "guards: { x: { prometheus: x, command: date, hold: 5 } }",
      "A figure has one source, and here stand `prometheus` and `command`.",
      "Make two guards of it, each with a name of its own.",
      "6:40 guards.x.command",
    );
    await told(
      "guards: { orders-per-day: { hold: 5 } }",
      "`orders-per-day` is not known here.",
      "Known here: errors, availability, p50, p95, p99, websockets, cpu, memory, restarts. A figure of your own says where it comes from: `prometheus:`, `http:`, `command:`, `log:`, `redis:`, `postgres:`.",
      "6:11 guards.orders-per-day plan-key-unknown",
    );
  });

  it("a time of a program that may count in seconds or milliseconds", () =>
    told(
      "guards: { x: { command: bin/slowest, hold: 800ms } }",
      "Whether the source tells its figure in seconds or milliseconds is not known.",
      "Say it beside the source: `unit: s` or `unit: ms`.",
      "6:44 guards.x.hold",
    ));

  it("a database that nobody named, and a password in plain text", async () => {
    await told(
      "guards: { x: { redis: memory, hold: 90% } }",
      "Nothing says where Redis is.",
      'Write its address: `metrics: { redis: "${REDIS_URL}" }`.',
      "6:16 guards.x.redis plan-key-missing",
    );
    await told(
      "guards: { x: { redis: memory, hold: 90% } }",
      "A secret can't stand here in plain text: the plan is kept in the journal.",
      "Write a reference to an environment variable: `${METRICS_TOKEN}`.",
      "5:29 metrics.redis",
      'metrics: { redis: "redis://:word@127.0.0.1" }',
    );
  });

  it("what is for requests alone", () =>
    told(
      "guards: { queue: { prometheus: queue, slo: 5 } }",
      "`slo` is for what Tidegate counts itself: requests, one by one.",
      "Remove it. Of a figure from outside `breaches`, `failures` and `successes` say how many looks it takes.",
      "6:39 guards.queue.slo plan-key-unknown",
    ));
});

async function tellsOf(
  text: string,
  { what, fix, at, key, code }: { what: string; fix: string; at: string; key: string; code: string },
): Promise<void> {
  const lines = (await mistakes(text)).split("\n");
  equal(lines[0], what);
  equal(lines[1], `  where  tidegate.yaml:${at} · ${key}`);
  equal(lines.at(-2), `  fix    ${fix}`);
  equal(lines.at(-1), `  code   ${code}`);
}
