import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Status } from "../../../src/core/status/status.ts";
import { type App, createApp } from "./app.ts";
import { assertReplayEquals, confirmations, ofType } from "./journal.ts";
import { lastStatus } from "./release.ts";
import { visit, type Visitors } from "./visitors.ts";

const DIE_AT = fileURLToPath(new URL("die-at.ts", import.meta.url));

/** A visited app whose releases are begun by an engine that dies around a commit of its journal. */
export interface DyingEngine extends AsyncDisposable {
  readonly app: App;
  readonly people: Visitors;
  /** The newest one. */
  readonly release: () => number;
  /** The plan says of the user's command whether it may be run twice. */
  plan(repeat: "ask" | "safe"): void;
  /** Commits the version after this one; its release has the next number. */
  nextVersion(): string;
  /** `where`: `after effect-requested start`. */
  releaseAndDie(where: string, ...more: readonly string[]): Promise<void>;
  attach(): Promise<Status>;
  assertDoneOnce(name: string, status: Status): Promise<void>;
  /** How often the user's command was run by this version: its name, each time. */
  commandsRun(name: string): readonly string[];
}

/** An engine that dies there, and what takes the release up. */
export interface Death {
  readonly die: string;
  readonly goOn: "attach" | "serve";
}

/** A test for each place. */
export function goesOnAfter(deaths: readonly Death[], open: () => DyingEngine): void {
  for (const { die, goOn } of deaths) {
    it(`killed ${die}, then ${goOn}`, async () => {
      const engine = open();
      const { app, people } = engine;
      const name = engine.nextVersion();
      const visits = people.since();
      await engine.releaseAndDie(die);
      await people.sample(10);

      const status = goOn === "attach" ? await engine.attach() : await serveUntilClosed(engine);

      await people.seen(name, 20);
      assert.equal(status.state, "closed");
      assert.equal(status.sharePercent, 100);
      assert.ok(
        status.steps.every(({ state }) => state === "passed"),
        JSON.stringify(status.steps),
      );
      await engine.assertDoneOnce(name, status);
      assert.deepEqual(visits().failures, []);
      assert.deepEqual(await runningVersions(app), [status.candidate.version]);
    });
  }
}

/** With its first version released, and visitors. */
export async function openDyingEngine(): Promise<DyingEngine> {
  await using opening = new AsyncDisposableStack();
  const app = opening.use(await createApp());
  const plan: DyingEngine["plan"] = (repeat) => app.plan(PLAN(app, repeat));
  plan("ask");
  app.version({ name: "v0" });
  const first = await app.tidegate(["release", "--json"]);
  assert.equal(first.code, 0, first.stdout + first.stderr);
  const people = opening.use(visit(app.port));
  const opened = opening.move();
  let release = 1;
  const linesOf = (file: string, name: string): readonly string[] => {
    if (!existsSync(app.file(".tidegate", file))) return [];
    return readFileSync(app.file(".tidegate", file), "utf8")
      .split("\n")
      .filter((line) => line === name);
  };
  return {
    app,
    people,
    release: () => release,
    plan,
    nextVersion: () => {
      release += 1;
      const name = `v${release - 1}`;
      app.version({ name });
      return name;
    },
    releaseAndDie: async (where, ...more) => {
      const engine = app.start(["release", "--json", ...more], { env: { DIE_AT: where }, node: ["--import", DIE_AT] });
      const { signal, stdout, stderr } = await engine.ended;
      assert.equal(signal, "SIGKILL", `it died of its own death: ${where}\n${stdout}${stderr}`);
    },
    attach: async () => {
      const attached = await app.tidegate(["attach", "--json"]);
      assert.equal(attached.code, 0, attached.stdout + attached.stderr);
      return lastStatus(attached);
    },
    assertDoneOnce: async (name, status) => {
      const events = await assertReplayEquals(app, status);
      const twice = Object.entries(confirmations(events)).filter(([, times]) => times > 1);
      assert.deepEqual(twice, []);
      assert.deepEqual(linesOf("commands.txt", name), [name]);
      assert.deepEqual(linesOf("started.txt", name), [name], "each instance is started once");
      assert.equal(ofType(events, "step-started").length, status.steps.length, "each step begins once");
    },
    commandsRun: (name) => linesOf("commands.txt", name),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

async function serveUntilClosed({ app, release }: DyingEngine): Promise<Status> {
  const serving = app.start(["serve", "--json"]);
  await serving.says("the release is closed", ({ type, release: id }) => type === "closed" && id === release());
  const status = await app.status(release());
  serving.kill("SIGTERM");
  assert.equal((await serving.ended).code, 0);
  return status;
}

async function runningVersions(app: App): Promise<readonly (string | undefined)[]> {
  const { instances } = await app.keeper();
  return instances.filter(({ state }) => state === "running").map(({ spec }) => spec.labels["version"]);
}

function PLAN({ state }: App, repeat: "ask" | "safe"): string {
  return `
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 3s
    env: { START_LOG: "${state.file("started.txt")}" }
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: off, p95: off, restarts: off }
steps:
  - run: node -p "require('./behaviour.json').name" >> "${state.file("commands.txt")}"
    name: run mark
    repeat: ${repeat}
  - smoke: [GET /]
  - shift: 50%
    for: 400ms
  - shift: 100%
    for: 400ms
  - retire
`;
}
