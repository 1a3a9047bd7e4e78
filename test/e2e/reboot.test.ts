import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { after, before, beforeEach, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { until } from "../support/until.ts";
import { type App, createApp } from "./support/app.ts";
import { installedUnits, pullThePlug, type Units } from "./support/units.ts";

let app: App;
let units: Units;
const running: ChildProcess[] = [];
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

const startLog = (): string => app.file("starts.txt");
const values = (): Record<string, string> => ({ START_LOG: startLog() });

before(async () => {
  app = opened.use(await createApp());
  app.plan(`
app: shop
services:
  web:
    run: node server.js
    env: { START_LOG: "\${START_LOG}" }
    health: { ready: /health, every: 5s, timeout: 1s }
    drain: 1s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off, restarts: off }
steps:
  - shift: 50%
    for: 10m
  - shift: 100%
    for: 300ms
  - retire
`);
  app.version({ name: "v0", readyAfterMs: 600 });
  const first = await app.tidegate(["release", "--yes", "--json"], { env: values() });
  assert.equal(first.code, 0, first.stdout + first.stderr);
  // Where the page on services says that values come from at boot.
  writeFileSync(app.state.file("environment"), `START_LOG=${startLog()}\n`, { mode: 0o600 });
  units = await installedUnits(app, values(), app.file("units.txt"));
});

/** Each begins on a machine that has just come up, with nothing running. */
beforeEach(() => pullThePlug(app, running.splice(0)));

describe("after a reboot", () => {
  it("the keeper's unit alone brings back what served, ready before it gets anything", async () => {
    const starts = startsOf("v0");
    await using door = knock(app.port);
    running.push(units.keeper());
    await until("v0 answers", () => door.answers.includes("200 v0"));
    assertOnlyWaiting(door.answers, "v0");
    assert.equal(startsOf("v0"), starts + 1, "with the values that no file of ours holds");
    const { instances, proxy } = await app.keeper();
    assert.deepEqual(
      instances.filter(({ state }) => state === "running").map(({ restarts }) => restarts),
      [0],
      "a boot is no crash",
    );
    assert.equal(proxy?.holdsSockets, true);
    assert.equal((await app.plane()).table?.candidate, null);
  });

  it("the engine finds a release that had ended as it was", async () => {
    running.push(units.keeper(), units.serve());
    await until("v0 answers", async () => (await ask(app.port)) === "200 v0");
    await until("the engine acts", async () => (await acting()) !== null);
    const before = await app.plane();
    const { state, sharePercent } = await app.status();
    assert.deepEqual([state, sharePercent], ["closed", 100]);
    await app.tidegate(["status"]);
    assert.equal((await app.plane()).table?.revision, before.table?.revision, "nothing was written");
  });

  it("a release goes on where it was: both versions serve before the engine is there, and it ends as asked", async () => {
    running.push(units.keeper(), units.serve());
    await until("v0 answers", async () => (await ask(app.port)) === "200 v0");
    await until("the engine acts", async () => (await acting()) !== null);
    app.version({ name: "v1", readyAfterMs: 600 });
    const begun = await app.tidegate(["release", "--yes", "--detach"], { env: values() });
    assert.equal(begun.code, 0, begun.stdout + begun.stderr);
    await until("half of the traffic", async () => (await app.plane()).table?.share === 5_000, 40_000);

    await pullThePlug(app, running.splice(0));
    await using door = knock(app.port);
    running.push(units.keeper());
    await until("both answer", () => door.answers.includes("200 v0") && door.answers.includes("200 v1"));
    assert.equal((await app.plane()).table?.share, 5_000);

    running.push(units.serve());
    await until("the engine acts", async () => (await acting()) !== null);
    const promoted = await app.tidegate(["promote", "--yes"]);
    assert.equal(promoted.code, 0, promoted.stdout + promoted.stderr);
    await until("it is done", async () => (await app.status()).state === "closed", 40_000);
    assertOnlyWaiting(door.answers, "v0", "v1");
    assert.equal(await ask(app.port), "200 v1");
  });
});

async function acting(): Promise<unknown> {
  const { stdout } = await app.tidegate(["status", "--json"]);
  return (JSON.parse(stdout) as { readonly acting: unknown }).acting;
}

function startsOf(version: string): number {
  return readFileSync(startLog(), "utf8")
    .split("\n")
    .filter((name) => name === version).length;
}

interface Knocking extends AsyncDisposable {
  /** In order: status and version, status and the plane's own word, or the error. */
  readonly answers: readonly string[];
}

/** Asks again and again, as a visitor would who can't believe it. */
function knock(port: number): Knocking {
  const answers: string[] = [];
  const stopped = new AbortController();
  const knocking = (async () => {
    while (!stopped.signal.aborted) {
      answers.push(await ask(port));
      await delay(15);
    }
  })();
  return {
    answers,
    async [Symbol.asyncDispose]() {
      stopped.abort();
      await knocking;
    },
  };
}

function ask(port: number): Promise<string> {
  return new Promise((resolve) => {
    const request = get({ host: "127.0.0.1", port, agent: false }, (response) => {
      const { "x-app": version, "x-tidegate-error": error, "x-not-ready": notReady } = response.headers;
      response.resume();
      response.once("error", () => resolve("cut"));
      response.once("end", () =>
        resolve(`${response.statusCode} ${String(version ?? error)}${notReady === undefined ? "" : " not ready"}`),
      );
    });
    request.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** Refused until the front door is open; then "come back in a second" until each version is ready; then answered. */
function assertOnlyWaiting(answers: readonly string[], ...versions: readonly string[]): void {
  const told = [...new Set(answers)].join(", ");
  const first = answers.findIndex((answer) => !/^ECONN(?:REFUSED|RESET)$/.test(answer));
  const served = Math.max(...versions.map((version) => answers.indexOf(`200 ${version}`)));
  assert.ok(
    answers.slice(first, served).every((answer) => /^(?:503 no-instance|200 v\d)$/.test(answer)),
    told,
  );
  assert.ok(
    answers.slice(served).every((answer) => /^200 v\d$/.test(answer)),
    told,
  );
}
