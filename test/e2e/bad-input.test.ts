import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import { type App, createApp } from "./support/app.ts";
import type { Ended } from "./support/command.ts";
import { releaseWell } from "./support/release.ts";
import type { Behaviour } from "./support/server-source.ts";
import { visit, type Visitors } from "./support/visitors.ts";

const GUARDS = "{ errors: { rollback: '> 10%', window: 10s, minRequests: 10, breaches: 1 }, p95: off }";
const GOOD_STEPS = "  - shift: 50%\n    for: 4s\n  - shift: 100%\n    for: 300ms\n";

let app: App;
let people: Visitors;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  plan();
  app.version({ name: "stable" });
});

describe("a port that is taken", () => {
  it("is told with who has it and how to take over, and nothing is begun", async () => {
    const other = createServer((_, response) => response.end("the old server"));
    await new Promise<void>((resolve) => other.listen(app.port, "127.0.0.1", resolve));
    try {
      const refused = await app.tidegate(["release"]);
      assert.equal(refused.code, 3);
      assert.equal(refused.stdout, "");
      assertMessage(refused.stderr, [
        new RegExp(`^Port ${app.port} is taken by process ${process.pid} \\(.*node`),
        new RegExp(`^  where  127\\.0\\.0\\.1:${app.port}$`),
        new RegExp(`^  fix    .*take it over as stable.*tidegate release --adopt 127\\.0\\.0\\.1:${app.port}$`),
        /^ {9}else stop it, or choose another port under `traffic`$/,
        /^ {2}code {3}port-taken$/,
      ]);
      assert.equal(await (await fetch(`http://127.0.0.1:${app.port}/`)).text(), "the old server");
      assert.deepEqual(app.processes(), [], "what was started for it has ended with it");
    } finally {
      other.closeAllConnections();
      other.close();
    }
    const { code } = await app.tidegate(["status"]);
    assert.equal(code, 0);
  });

  it("is free again: the same release now goes well", async () => {
    await releaseWell(app);
    people = opened.use(visit(app.port));
    await people.seen("stable", 10);
  });
});

describe("a version that can't start gets no traffic, and the message says why", () => {
  it("one that listens nowhere", async () => {
    const { stdout } = await refusedByStart({ name: "silent", listens: "nowhere" });
    assertMessage(stdout, [
      /✖ start: web-green-0-\w+ runs, but listens nowhere after [\d.]+s; it should on port \d+\./,
      /not ready within 2s; last answer: nothing listens at 127\.0\.0\.1:\d+/,
      /asked for \/[\w/]+: not ready within 2s/,
      /thinking about it/,
      /fix {3}does web start a server, and does it need longer\? then raise `startWithin`/,
    ]);
  });

  it("one that listens on a port of its own", async () => {
    const { stdout } = await refusedByStart({ name: "stubborn", listens: "elsewhere" });
    assertMessage(stdout, [
      /✖ start: web-green-0-\w+ listens on port \d+, but should on \d+\./,
      /fix {3}each instance gets a port of its own, in PORT and as \$\{port\}: run: node server\.js --port/,
    ]);
  });

  it("one whose health path redirects", async () => {
    const { stdout } = await refusedByStart({ name: "shy", redirects: true });
    assertMessage(stdout, [
      /✖ start: web-green-0-\w+ runs and listens, but was not seen ready\./,
      /last answer: 302 after \d+ms: \/health answers 302 to \/login/,
      /fix {3}is `health` the right path, and does it answer 2xx without a redirect\?/,
    ]);
  });

  it("one that lacks its .env, which the plan file then names", async () => {
    app.write(".gitignore", ".env\n");
    app.write(".env", "DATABASE=here\n");
    const { stdout } = await refusedByStart({ name: "poor", needsEnvFile: true });
    assertMessage(stdout, [
      /✖ start: web-green-0-\w+ exited with code 1 after \d+ms; it lacks \.env, which lies beside the plan file/,
      /SHOP_DATABASE is not set/,
      /fix {3}let it be copied into each version's folder, in the plan file under web: files: \[\.env\]/,
    ]);
    plan({
      service: "    files: [.env]\n",
      guards: "{ errors: off, p95: off }",
      steps: "  - shift: 100%\n    for: 300ms\n",
    });
    app.version({ name: "stable", needsEnvFile: true });
    await releaseWell(app);
  });
});

describe("a version that starts well and is bad", () => {
  before(() => plan());

  it("dies after 3s: is put back, and costs at most what was in flight at its death", async () => {
    const visits = people.since();
    app.version({ name: "mortal", diesAfterMs: 3_000 });
    const { code, stdout } = await app.tidegate(["release"]);
    assert.equal(code, 10, stdout);
    assertMessage(stdout, [
      /✖ ROLLED BACK at 50%: \w+ can no longer serve: web-\w+-0-\w+ ended with code 7\./,
      /100% on \w+, read back/,
    ]);
    const { failures } = visits();
    assert.ok(failures.length <= people.count, JSON.stringify(failures));
    assert.deepEqual(
      failures.filter(({ refused }) => refused),
      [],
    );
    await onlyStable();
  });

  it("answers ready and then fails: is put back with its figures and what it logged", async () => {
    const visits = people.since();
    app.version({ name: "liar", fails: 0.5 });
    const { code, stdout } = await app.tidegate(["release"]);
    assert.equal(code, 10, stdout);
    assertMessage(stdout, [
      /fail \(rollback\): errors \d+% \(\d+\/\d+\) against 0% \(0\/\d+\), limit 10%/,
      /✖ ROLLED BACK at 50%: errors \d+% \(\d+\/\d+\) against 0% \(0\/\d+\), limit 10%\. Found in [\d.]+s\./,
      /100% on \w+, read back/,
      /app errors \d+(?: in all, \d+ of them in the \w+ that decided)? · failed by Tidegate 0$/,
      /why {3}(GET|POST) \/\S* 500 ×\d+, new in \w+/,
      /TypeError: cart\.total is undefined in liar/,
      /exit 10$/,
    ]);
    assert.deepEqual(visits().failures, [], "its own errors apart, no request failed");
    await onlyStable();
  });
});

describe("a plan file or a version that is wrong", () => {
  const refused = async (args: readonly string[] = []): Promise<string> => {
    const visits = people.since();
    const { code, stdout, stderr } = await app.tidegate(["release", ...args]);
    assert.equal(code, 2, stdout + stderr);
    assert.equal(stdout, "");
    assert.deepEqual(visits().failures, []);
    return stderr;
  };

  it("shares that go down", async () => {
    plan({ steps: "  - shift: 50%\n  - shift: 25%\n  - shift: 100%\n" });
    assertMessage(await refused(), [
      /^The share goes down here, from 50% to 25%\.$/,
      /^ {2}where {2}tidegate\.yaml:\d+:\d+ · steps\[1\]\.shift$/,
      /^ {2}seen {3}\d+ \| {3}- shift: 25%$/,
      /^ {2}fix {4}Shares only go up in a plan/,
      /^ {2}code {3}plan-steps-order$/,
    ]);
  });

  it("shares over 100%", async () => {
    plan({ steps: "  - shift: 50%\n  - shift: 150%\n" });
    assertMessage(await refused(), [
      /^`150%` is more than all of the traffic\.$/,
      /^ {2}where {2}tidegate\.yaml:\d+:\d+ · steps\[1\]\.shift$/,
      /^ {2}fix {4}A share is at most `100%`\.$/,
    ]);
  });

  it("shares that end below 100%", async () => {
    plan({ steps: "  - shift: 50%\n" });
    assertMessage(await refused(), [
      /^No shift gives the new version all of the traffic: the highest is 50%\.$/,
      /^ {2}fix {4}End with `- shift: 100%`\.$/,
    ]);
  });

  it("a version that does not exist, with those that are near", async () => {
    plan();
    app.git("tag", "v1.2.0");
    assertMessage(await refused(["v1.2.1"]), [
      /^git knows no version "v1\.2\.1" here\.$/,
      /^ {2}fix {4}the nearest are: v1\.2\.0$/,
      /git fetch --all --tags/,
      /^ {2}code {3}unknown-version$/,
    ]);
  });
});

it("stable served everybody to the end, and nothing is left behind", async () => {
  await onlyStable();
  await people.leave();
  await app.down();
});

async function refusedByStart(behaviour: Behaviour): Promise<Ended> {
  const visits = people.since();
  app.version(behaviour);
  const ended = await app.tidegate(["release"]);
  assert.equal(ended.code, 10, ended.stdout + ended.stderr);
  assert.equal(ended.stderr, "");
  assertMessage(ended.stdout, [/✖ ROLLED BACK at 0%: web-green-0-/, /candidate drained and stopped/, /exit 10$/]);
  const { by, failures, appErrors } = visits();
  assert.deepEqual(
    [by[behaviour.name] ?? 0, failures, Object.values(appErrors).some((count) => count > 0)],
    [0, [], false],
  );
  return ended;
}

async function onlyStable(): Promise<void> {
  assert.deepEqual(
    Object.entries(await people.sample(30)).filter(([name, count]) => name !== "stable" && count > 0),
    [],
  );
}

/** Each line is there, no other part of Tidegate shows through, and what people read fits on lines. */
function assertMessage(text: string, lines: readonly RegExp[]): void {
  for (const line of lines) assert.match(text, new RegExp(line.source, "m"), text);
  assert.doesNotMatch(text, /^\s+at .*\(|node:internal|undefined(?! in liar)|\[object/m, text);
}

function plan({ steps = GOOD_STEPS, service = "", guards = GUARDS } = {}): void {
  app.plan(`
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
    startWithin: 2s
${service}
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: ${guards}
steps:
${steps}`);
}
