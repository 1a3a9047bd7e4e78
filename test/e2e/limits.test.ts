import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { InstanceSeen } from "../../src/core/observation.ts";
import type { Status } from "../../src/core/status/status.ts";
import { type App, createApp } from "./support/app.ts";
import { lastStatus, releaseWell } from "./support/release.ts";
import type { Behaviour } from "./support/server-source.ts";
import { visit, type Visitors } from "./support/visitors.ts";

/** Looked at over ten seconds, and believed at once. */
const QUICK = "window: 10s, minRequests: 10, breaches: 1";

let app: App;
let people: Visitors;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  plan();
  app.version({ name: "stable" });
  await releaseWell(app);
  people = opened.use(visit(app.port));
});

describe("limits that differ before, while and after the traffic is shifted", () => {
  it("before: the processes are watched, and a version that breaks a limit gets no visitor", async () => {
    const { rssBytes, memory } = await usage();
    const limit = `${(memory * 300).toPrecision(3)}%`;
    plan({ before: `{ memory: { rollback: ${limit}, breaches: 1 } }` });
    const { rollback } = await rolledBack({ name: "fat", ballastBytes: rssBytes * 4 }, 0);
    assert.match(rollback?.sentence ?? "", /^memory [\d.]+% against [\d.]+%, limit [\d.]+%/);
  });

  it("while: a phase's own limit is stricter than the plan's", async () => {
    plan({ during: `{ errors: { rollback: '> 95%', ${QUICK} } }`, phase: "{ errors: { rollback: '> 5%' } }" });
    const { rollback, steps } = await rolledBack({ name: "weak", fails: 0.5 }, 50);
    assert.match(rollback?.sentence ?? "", /^errors \d+% .* limit 5%/);
    assert.deepEqual(
      steps.filter(({ phase }) => phase === "canary").map(({ name, state }) => [name, state]),
      [["shift 50%", "failed"]],
    );
  });

  it("after: what passed the canary's limit fails the one for all of the traffic", async () => {
    plan({
      during: `{ errors: { rollback: '> 95%', ${QUICK} } }`,
      after: `{ errors: { rollback: '> 20%', ${QUICK} } }`,
    });
    const { rollback, steps } = await rolledBack({ name: "half", fails: 0.5 }, 100);
    assert.match(rollback?.sentence ?? "", /^errors \d+% .* limit 20%/);
    assert.equal(steps.find(({ name }) => name === "shift 50%")?.state, "passed");
  });
});

it("stable serves in the end, nobody's request failed, and nothing is left behind", async () => {
  const others = Object.entries(await people.sample(20)).filter(([name, count]) => name !== "stable" && count > 0);
  assert.deepEqual(others, []);
  await people.leave();
  assert.deepEqual(people.visits.failures, [], "the app's own errors apart");
  await app.down();
});

async function rolledBack(behaviour: Behaviour, fromPercent: number): Promise<Status> {
  const visits = people.since();
  app.version(behaviour);
  const ended = await app.tidegate(["release", "--json"]);
  assert.equal(ended.code, 10, ended.stdout + ended.stderr);
  const status = lastStatus(ended);
  assert.equal(status.rollback?.fromSharePercent, fromPercent);
  if (fromPercent === 0) assert.equal(visits().by[behaviour.name], undefined);
  return status;
}

/** Of what serves. */
async function usage(): Promise<{ readonly rssBytes: number; readonly memory: number }> {
  const { stdout } = await app.tidegate(["status", "--json"]);
  const { instances } = JSON.parse(stdout) as { instances: readonly { instance: InstanceSeen }[] };
  const found = instances[0]?.instance.usage;
  assert.ok(found !== undefined, stdout);
  return found;
}

function plan({ before = "{}", during = "{}", after = "{}", phase = "{}" } = {}): void {
  app.plan(
    `
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards:
  errors: off
  p95: off
  before: ${before}
  during: ${during}
  after: ${after}
steps:
  - start
${before === "{}" ? "" : '  - run: node -e "setTimeout(() => {}, 2500)"'}
  - phase: canary
    guards: ${phase}
    steps:
      - shift: 50%
        for: 3s
  - shift: 100%
    for: ${after === "{}" ? "300ms" : "20s"}
`,
  );
}
