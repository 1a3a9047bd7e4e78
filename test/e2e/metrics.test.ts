import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { httpServer, type RunningServer } from "../tasks/servers.ts";
import { type App, createApp } from "./support/app.ts";
import type { Ended } from "./support/command.ts";
import { lastStatus } from "./support/release.ts";

/** What Prometheus says of failed jobs, by version; of others none failed. */
const jobs = new Map<string, number>();
let isAway = false;

let app: App;
let prometheus: RunningServer;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  prometheus = opened.use(
    await httpServer((_, response, body) => {
      const query = new URLSearchParams(body).get("query") ?? "";
      const version = /version="([^"]*)"/.exec(query)?.[1] ?? "";
      const result = [{ metric: {}, value: [Date.now() / 1_000, String(jobs.get(version) ?? 0)] }];
      if (isAway) response.writeHead(503).end("it starts");
      else response.end(JSON.stringify({ status: "success", data: { resultType: "vector", result } }));
    }),
  );
  app = opened.use(await createApp());
  app.plan(`
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
metrics: { prometheus: "\${PROMETHEUS}" }
guards:
  errors: off
  p95: off
  failed-jobs: { prometheus: 'sum(failed_jobs{version="\${version}"})', every: 1s, breaches: 2, rollback: 10 }
  answer: { command: [node, -p, "21 * 2"], every: 1s, hold: "< 42" }
  critical: { log: CRITICAL, every: 1s, rollback: 0 }
steps:
  - start
  - shift: 50%
    for: 3s
  - shift: 100%
    for: 1s
`);
  app.version({ name: "stable" });
  await released(0);
});

describe("a guard whose figure comes from Prometheus", () => {
  it("keeps a version at its share while Prometheus is away, and lets it pass when that says that all is well", async () => {
    const version = app.version({ name: "good" });
    jobs.set(version, 2);
    isAway = true;
    const release = app.start(["release", "--json"], { env: ENV() });
    await release.says("the source is down", ({ type, verdict }) => type === "verdict" && verdict === "source-down");
    const { verdicts } = await app.status();
    assert.match(
      verdicts.find(({ metric }) => metric === "failed-jobs")?.sentence ?? "",
      /^failed-jobs unknown: http:\S+ answers 503: it starts/,
    );
    isAway = false;
    const ended = await release.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    for (const said of [
      /failed-jobs 2 against 0, limit 10/,
      /answer 42, limit 42/,
      /critical 0\/min against 0\/min, limit 0\/min/,
    ])
      assert.match(ended.stdout, said);
  });

  it("is asked before a release too, by plan and doctor", async () => {
    const plan = await app.tidegate(["plan"], { env: ENV() });
    assert.match(plan.stdout, /failed-jobs \(prometheus\): 2 of [0-9a-f]+ now/);
    assert.match(plan.stdout, /answer \(command\): 42 now/);
    isAway = true;
    const doctor = await app.tidegate(["doctor"], { env: ENV() });
    isAway = false;
    assert.equal(doctor.code, 3, doctor.stdout);
    assert.match(
      doctor.stdout.replaceAll(/\s+/g, " "),
      /figure failed-jobs prometheus: http:\S+ answers 503: it starts/,
    );
  });

  it("puts a version back that breaks its limit", async () => {
    jobs.set(app.version({ name: "bad" }), 12);
    const { stdout, stderr } = await released(10);
    const { rollback, sharePercent } = lastStatus({ stdout, stderr });
    assert.match(rollback?.sentence ?? "", /^failed-jobs 12 against 2, limit 10/);
    assert.equal(sharePercent, 0);
  });
});

it("nothing is left behind", () => app.down());

/** The address is a value of the environment, as a secret would be. */
const ENV = (): Readonly<Record<string, string>> => ({ PROMETHEUS: prometheus.url });

async function released(code: number): Promise<Ended> {
  const ended = await app.tidegate(["release", "--json"], { env: ENV() });
  assert.equal(ended.code, code, ended.stdout + ended.stderr);
  return ended;
}
