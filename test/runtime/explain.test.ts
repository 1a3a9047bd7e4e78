import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Fault } from "../../src/core/fault.ts";
import type { ProcessRuntime } from "../../src/core/plan/service.ts";
import { until } from "../support/until.ts";
import { type ProcessWorld, processWorld, running, SERVER } from "./world.ts";

/** Each is a real app that fails in its own way. */
describe("why an instance doesn't get ready", () => {
  it("it ended: with which code, after how long, what it said last", async () => {
    await using world = await processWorld();
    const fault = await explainCrash(world, "echo starting; sleep 0.3; echo giving up >&2; exit 3");
    assert.equal(fault.code, "instance-exited");
    assert.match(fault.what, /^web-green-0-\w+ exited with code 3( after \d+ms)?\.$/);
    assert.match(fault.detail?.join("\n") ?? "", /starting\ngiving up/);
    assert.match(fault.where ?? "", /logs\/web-green-0-\w+\.log$/);
    assert.match(fault.fix ?? "", /try it by hand: \(cd /);
  });

  it("it ended again and again: what it said each time, once", async () => {
    await using world = await processWorld();
    const id = await start(world, "echo one; echo two; exit 1", {}, world.commit("Something"));
    await until(
      "it has ended three times",
      async () => (await world.runtime.log(id, 60)).filter((line) => line === "two").length >= 3,
    );
    assert.deepEqual((await world.runtime.explain(id)).detail, ["one", "two"]);
  });

  it("a file of its own can't be read: which one and where, not where Node was", async () => {
    await using world = await processWorld();
    world.write("settings.js", "module.exports = {\n  one: 1\n  two: 2,\n};\n");
    world.write("server.js", 'require("./settings.js");\n');
    const fault = await explainCrash(world, "exec node server.js");
    const seen = fault.detail?.join("\n") ?? "";
    assert.match(seen, /settings\.js:3\n {2}two: 2,\n/);
    assert.match(seen, /SyntaxError: Unexpected identifier 'two'/);
    assert.doesNotMatch(seen, /node:internal/);
  });

  it("a file of its own is missing: the error first, and nothing of what Node writes around it", async () => {
    await using world = await processWorld();
    world.write("server.js", 'require("./not-there.js");\n');
    const fault = await explainCrash(world, "exec node server.js");
    assert.equal(fault.detail?.[0], "Error: Cannot find module './not-there.js'");
    assert.doesNotMatch(fault.detail.join("\n"), /throw err|node:internal|Node\.js v|\^|\n\n/);
  });

  it("it was ended by a signal", async () => {
    await using world = await processWorld();
    const fault = await explainCrash(world, "kill -KILL $$");
    assert.match(fault.what, /was ended by SIGKILL/);
    assert.match(fault.fix ?? "", /out of memory/);
  });

  it("it listens on another port", async () => {
    await using world = await processWorld();
    world.write(
      "server.js",
      `require("node:net").createServer().listen(0, "127.0.0.1", function () { console.log("on " + this.address().port); });`,
    );
    const fault = await explainLiving(world, "exec node server.js", "on ");
    assert.equal(fault.code, "wrong-port");
    const port = /on (\d+)/.exec(fault.detail?.at(-1) ?? "")?.[1];
    assert.match(fault.what, new RegExp(`listens on port ${port}, but should on \\d+`));
    assert.match(fault.fix ?? "", /run: exec node server\.js --port \$\{port\}/);
  });

  it("it listens where the front door does not reach it", async () => {
    await using world = await processWorld();
    world.write(
      "server.js",
      `require("node:net").createServer().listen(process.env.PORT, "::1", () => console.log("up"));`,
    );
    const fault = await explainLiving(world, "exec node server.js", "up");
    assert.equal(fault.code, "wrong-address");
    assert.match(fault.what, /listens on ::1, port \d+/);
  });

  it("it never listens", async () => {
    await using world = await processWorld();
    const fault = await explainLiving(world, "echo thinking; exec sleep 600", "thinking");
    assert.equal(fault.code, "never-listens");
    assert.match(fault.fix ?? "", /does not mention \$\{port\}/);
  });

  it("it listens and is just not ready", async () => {
    await using world = await processWorld();
    world.write(
      "server.js",
      `require("node:net").createServer().listen(process.env.PORT, "127.0.0.1", () => console.log("up"));`,
    );
    const fault = await explainLiving(world, "exec node server.js", "up");
    assert.equal(fault.code, "instance-not-ready");
    assert.match(fault.fix ?? "", /is `health` the right path/);
  });

  it("it wants a port of its own choice that somebody has", async () => {
    await using world = await processWorld();
    const { port } = await world.foreign();
    world.write("server.js", `require("node:net").createServer().listen(${port}, "127.0.0.1");`);
    const fault = await explainCrash(world, "exec node server.js");
    assert.equal(fault.code, "port-in-use");
    assert.match(fault.what, new RegExp(`wants port ${port}, which is taken, and not the one that it was given`));
    assert.match(fault.cause ?? "", /EADDRINUSE/);
  });

  it("its dependencies are not installed", async () => {
    await using world = await processWorld();
    world.write("server.js", `require("no-such-framework");`);
    const fault = await explainCrash(world, "exec node server.js");
    assert.equal(fault.code, "module-missing");
    assert.match(fault.what, /can't find no-such-framework/);
    assert.match(fault.fix ?? "", /build: npm ci/);
  });

  it("its command does not exist", async () => {
    await using world = await processWorld();
    const fault = await explainCrash(world, "no-such-command --port ${port}");
    assert.equal(fault.code, "command-not-found");
    assert.match(fault.cause ?? "", /no-such-command/);
  });

  it("its worktree lacks the .env that lies beside the plan file", async () => {
    await using world = await processWorld();
    world.write(".gitignore", ".env\n");
    world.write(".env", "DATABASE_URL=postgres://db");
    const line = `[ -e .env ] || { echo DATABASE_URL is not set; exit 1; }; exec sleep 600`;
    const fault = await explainCrash(world, line);
    assert.equal(fault.code, "env-file-missing");
    assert.match(fault.what, /exited with code 1.*lacks \.env/);
    assert.match(fault.fix ?? "", /files: \[\.env\]/);
    assert.ok(fault.detail?.includes("DATABASE_URL is not set"));
  });

  it("is not blamed on an .env that the plan lists, nor on one that this version just doesn't have", async () => {
    await using world = await processWorld();
    world.write(".gitignore", ".env\n");
    world.write(".env", "A=1");
    assert.equal((await explainCrash(world, "exit 1", { files: [".env"] })).code, "instance-exited");
    const before = world.git("rev-parse", "HEAD");
    world.write(".env.production", "B=1");
    world.commit("Settings");
    assert.equal((await explainCrash(world, "exit 1", { files: [".env"] }, before)).code, "instance-exited");
  });
});

async function explainCrash(
  world: ProcessWorld,
  line: string,
  more: Partial<ProcessRuntime> = {},
  version = world.commit("Something"),
): Promise<Fault> {
  const id = await start(world, line, more, version);
  await until("it has ended", async () => {
    const seen = (await world.runtime.instances()).find((instance) => instance.id === id);
    return (seen?.restarts ?? 0) > 0;
  });
  return world.runtime.explain(id);
}

async function explainLiving(world: ProcessWorld, line: string, says: string): Promise<Fault> {
  const id = await start(world, line, {}, world.commit("Something"));
  await until("it is as far as it comes", async () => (await world.runtime.log(id, 1))[0]?.startsWith(says));
  return world.runtime.explain(id);
}

async function start(
  world: ProcessWorld,
  line: string,
  more: Partial<ProcessRuntime>,
  version: string,
): Promise<string> {
  const { app, environment } = world;
  const service = running(line, { runtime: { ...SERVER.runtime, ...more } });
  const { directory } = await world.runtime.prepare(version, [service], new AbortController().signal);
  const { id } = await world.runtime.start({
    app,
    environment,
    service,
    version,
    slot: "green",
    index: 0,
    role: "inactive",
    directory,
    secrets: {},
  });
  return id;
}
