import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { after, before, describe, it, type TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { freePort } from "../../src/adapters/runtime/free-port.ts";
import { crowd, type Crowd } from "../e2e/support/crowd.ts";
import type { Command } from "../e2e/support/command.ts";
import { type PublishedPlace, publishedPlace } from "../e2e/support/published-place.ts";
import { until } from "../support/until.ts";
import { COMMS, NODE_RED_PAGES } from "./support/node-red-pages.ts";
import { packageCache } from "./support/package-cache.ts";

const OLD = "3.1.15";
const NEW = "4.1.15";
const EXAMPLE = fileURLToPath(new URL("../../examples/node-red", import.meta.url));

/** An install may come over the network. */
const INSTALLED_WITHIN_MS = 200_000;

/** The plan of examples/node-red as it is; only the front door's port is another one. */
async function place(): Promise<PublishedPlace> {
  const made = await publishedPlace(EXAMPLE, { npm_config_cache: packageCache() });
  made.write("tidegate.production.yaml", `traffic: { embedded: ${made.port} }\n`);
  return made;
}

function visit(port: number): Crowd {
  return crowd({
    port,
    pages: NODE_RED_PAGES,
    browsers: 4,
    scripts: 10,
    pauseMs: 80,
    sockets: { ...COMMS, count: 6 },
  });
}

/** Follows a release to its end, and says how long the parts of it took. */
async function ended(command: Command, context: TestContext): Promise<{ readonly code: number | null; said: string }> {
  await command.tells(/(?:✔ closed|rolled back):/, INSTALLED_WITHIN_MS);
  const { code, stdout, stderr } = await command.ended;
  for (const [line] of stdout.matchAll(/^\d\S+ {2}(?:start, prepare done|start done|✔ shift).*$/gm))
    context.diagnostic(line);
  return { code, said: stdout + stderr };
}

function tell(
  context: TestContext,
  { requests, versions, slowestMs, socketsOpened, socketMessages, goodbyes }: Crowd["seen"],
): void {
  context.diagnostic(
    `${requests} requests, 0 failed, the slowest ${Math.round(slowestMs)} ms; ${socketsOpened} WebSockets, ${socketMessages} messages; ` +
      `/settings by version ${JSON.stringify(versions)}; WebSockets that ended, by code ${JSON.stringify(goodbyes)}`,
  );
}

describe(`Node-RED ${OLD} → ${NEW} from npm, nothing of it changed`, () => {
  let server: PublishedPlace;

  before(async () => {
    server = await place();
  });
  after(() => server[Symbol.asyncDispose]());

  it(`starts ${OLD}`, async (context) => {
    const { code, said } = await ended(server.start(["release", OLD]), context);
    assert.equal(code, 0, said);
    const settings = await fetch(`http://127.0.0.1:${server.port}/settings`);
    assert.equal(((await settings.json()) as { version: string }).version, OLD);
  });

  it(`releases ${NEW} under load without a failed request or a cut WebSocket`, async (context) => {
    await using people = visit(server.port);
    await people.connected();
    const { code, said } = await ended(server.start(["release", NEW]), context);
    assert.equal(code, 0, said);
    await people.connected();
    await people.more(200);
    const seen = await people.leave();
    assert.deepEqual(seen.failures, []);
    assert.deepEqual(Object.keys(seen.versions), [OLD, NEW]);
    assert.equal(seen.fellBack, 0, "no browser went back to the old version");
    assert.ok((seen.goodbyes[1001] ?? 0) >= 1, "the editor's WebSockets were asked to go");
    assert.ok(seen.socketMessages > 0, "the editor heard from the server");
    tell(context, seen);
  });

  it("refuses a version that npm does not have, says what npm said, and gives it no traffic", async (context) => {
    await using people = visit(server.port);
    const { code, said } = await ended(server.start(["release", "4.1.999"]), context);
    assert.equal(code, 10, said);
    assert.match(said, /No matching version found for node-red@4\.1\.999/);
    await onlyServes(people, NEW);
  });

  it("refuses a version whose settings file is broken, shows the line, and gives it no traffic", async (context) => {
    const settings = readFileSync(server.file("user", "settings.js"), "utf8");
    server.write("user/settings.js", settings.replace("readOnly: true,", "readOnly: true"));
    await using people = visit(server.port);
    const { code, said } = await ended(server.start(["release", OLD]), context);
    assert.equal(code, 10, said);
    assert.match(said, /web-\w+-0-3\.1\.15 exited with code 1/);
    assert.match(said, /user\/settings\.js:\d+\n/);
    assert.match(said, /SyntaxError: Unexpected identifier/);
    await onlyServes(people, NEW);
    server.write("user/settings.js", settings);
  });

  it("stops with everything that it started", () => server.down());

  async function onlyServes(people: Crowd, version: string): Promise<void> {
    await people.more(200);
    const seen = await people.leave();
    assert.deepEqual(seen.failures, []);
    assert.deepEqual(Object.keys(seen.versions), [version]);
  }
});

describe(`Node-RED ${OLD} that somebody started by hand, taken over`, () => {
  let server: PublishedPlace;
  let byHand: ChildProcess;
  let port = 0;

  before(async () => {
    server = await place();
    execFileSync(
      "npm",
      ["install", "--prefix", server.file("by-hand"), "--no-audit", "--no-fund", `node-red@${OLD}`, "node@22"],
      {
        env: { ...process.env, npm_config_cache: packageCache() },
        stdio: "ignore",
        timeout: INSTALLED_WITHIN_MS,
      },
    );
    port = await freePort(new Set([server.port]));
    byHand = spawn(
      server.file("by-hand/node_modules/.bin/node"),
      ["by-hand/node_modules/node-red/red.js", "--userDir", "user", "--port", String(port), "-D", "uiHost=127.0.0.1"],
      { cwd: server.folder, stdio: "ignore" },
    );
    await until(
      "it is ready",
      async () => (await fetch(`http://127.0.0.1:${port}/ready`).catch(() => null))?.ok,
      60_000,
    );
  });
  after(async () => {
    byHand.kill("SIGKILL");
    await server[Symbol.asyncDispose]();
  });

  it(`hands over to ${NEW} while its clients move to the front door, without a failed request`, async (context) => {
    const gone = once(byHand, "exit");
    await using old = visit(port);
    await old.connected();
    const release = server.start(["release", NEW, "--adopt", `127.0.0.1:${port}`]);
    await release.tells(/the front door leads to adopted/);
    await using moved = visit(server.port);
    await moved.connected();
    await old.more(100);
    assert.deepEqual((await old.leave()).failures, []);
    const { code, said } = await ended(release, context);
    assert.equal(code, 0, said);
    await gone;
    await moved.connected();
    await moved.more(200);
    const seen = await moved.leave();
    assert.deepEqual(seen.failures, []);
    assert.deepEqual(Object.keys(seen.versions), [OLD, NEW]);
    tell(context, seen);
    await server.down();
  });
});
