import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { after, before, describe, it } from "node:test";
import { until } from "../support/until.ts";
import { type App, createApp } from "./support/app.ts";
import type { Command } from "./support/command.ts";

/** Values that `tidegate serve` has in its environment, and that only a later plan asks for. Their names give nothing away. */
const LATER = { LATER_PIN: "pin-me-9f2c1e-please", LATER_WORD: "open-sesame-4711" };

let app: App;
let serving: Command;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

function plan(traffic: string, step = ""): void {
  app.plan(`
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 500ms, timeout: 500ms, rise: 1 }
    drain: 1s
traffic: { embedded: \${PORT_OF_FRONT_DOOR}${traffic} }
guards: { errors: off, p95: off, restarts: off }
steps:
  - start
${step}  - shift: 100%
    for: 1s
`);
}

before(async () => {
  app = opened.use(await createApp());
  plan(", timeouts: { headers: 1h }");
  app.version({ name: "v1" });
  serving = app.start(["serve"], { env: LATER });
  await serving.tells(/^Acts on production/m);
  await release();
});

/** Hands the newest commit to the engine that serves, and waits for its end. */
async function release(): Promise<string> {
  const { code, stdout, stderr } = await app.tidegate(["release", "--detach"], { env: LATER });
  assert.equal(code, 0, stdout + stderr);
  let state = "";
  await until("the release has ended", async () => {
    ({ state } = await app.status());
    return ["live", "closed", "rolled-back", "failed"].includes(state);
  });
  return state;
}

describe("what a plan says that the engine did not know when it began", { concurrency: false }, () => {
  it("holds for the time-outs of the data plane", async () => {
    assert.equal(await breaksOffWithin(3_000), false);
    plan(", timeouts: { headers: 1s }, pins: { token: '${LATER_PIN}' }");
    app.version({ name: "v2" });
    assert.equal(await release(), "closed");
    assert.equal(await breaksOffWithin(20_000), true);
  });

  it("holds for its references, which are filled in", async () => {
    plan(", pins: { token: '${LATER_PIN}' }", "  - approve: anyone\n");
    app.version({ name: "v3" });
    const { code } = await app.tidegate(["release", "--detach"], { env: LATER });
    assert.equal(code, 0);
    await until("it waits for approval", async () => (await app.status()).hold?.needsPerson === true);
    const { candidate } = await app.status();
    const headers = { "x-tidegate-version": candidate.version, "x-tidegate-token": LATER.LATER_PIN };
    const pinned = await fetch(`http://127.0.0.1:${app.port}/`, { headers });
    assert.equal(pinned.headers.get("x-app"), "v3");
    assert.equal((await app.tidegate(["rollback", "--yes"])).code, 0);
  });

  it("holds for its secrets, which are hidden in all that is told and written", async () => {
    plan("", '  - run: echo "the word is ${LATER_WORD}"; exit 1\n');
    app.version({ name: "v4" });
    assert.equal(await release(), "rolled-back");
    const { stdout } = await app.tidegate(["status", "--json"]);
    assert.match(stdout, /the word is •••/);
    const told = [stdout, serving.stdout(), serving.stderr(), readFileSync(app.state.file("journal.db"), "latin1")];
    assert.match(serving.stdout(), /the word is •••/);
    for (const text of told) for (const value of Object.values(LATER)) assert.ok(!text.includes(value), value);
  });
});

it("nothing is left behind", async () => {
  serving.kill("SIGTERM");
  await serving.ended;
  await app.down();
});

/** Whether the front door breaks off somebody who does not send the rest of a header, in this time. */
async function breaksOffWithin(ms: number): Promise<boolean> {
  const socket = connect(app.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write("GET / HTTP/1.1\r\nHost: sh");
  socket.resume();
  try {
    await once(socket, "close", { signal: AbortSignal.timeout(ms) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
