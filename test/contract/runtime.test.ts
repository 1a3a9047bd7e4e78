import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createManualClock } from "../../src/adapters/clock/manual.ts";
import { createMemoryRuntime } from "../../src/adapters/runtime/memory.ts";
import { WORKER } from "../support/plans.ts";
import { processWorld, running, SERVER, SERVER_SOURCE } from "../runtime/world.ts";
import { runtimeContract } from "./runtime.ts";

runtimeContract("memory", async () => {
  const clock = createManualClock(1_000_000);
  const runtime = createMemoryRuntime({
    clock,
    history: [
      { version: "v1", subject: "First" },
      { version: "v1.5", subject: "Second" },
      { version: "v2", subject: "Third" },
    ],
  });
  runtime.script({}, "v2");
  return {
    runtime,
    second: () => runtime.secondHand(),
    versions: ["v1", "v2"],
    app: "shop",
    environment: "test",
    web: SERVER,
    worker: { ...WORKER, runtime: SERVER.runtime },
    get crashing() {
      runtime.script({ crashAfterMs: 10, exitCode: 7, log: ["one", "two", "three"] });
      return SERVER;
    },
    foreign: () => Promise.resolve("127.0.0.1:7777"),
    pass: () => clock.advance(500),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
});

runtimeContract("processes", async () => {
  const world = await processWorld();
  world.write("server.js", SERVER_SOURCE);
  const first = world.commit("First");
  world.commit("Second");
  const last = world.commit("Third");
  const others: ChildProcess[] = [];
  return {
    runtime: world.runtime,
    second: () => world.another(),
    versions: [first, last],
    app: world.app,
    environment: world.environment,
    web: { ...SERVER, runtime: { ...SERVER.runtime, build: "echo built >> build.txt" } },
    worker: { ...WORKER, stopMs: 2_000, runtime: { ...SERVER.runtime, run: "exec sleep 600" } },
    crashing: running("echo one; echo two; echo three; exit 7"),
    async foreign() {
      const program = `require("net").createServer().listen(0, "127.0.0.1", function () { console.log(this.address().port) })`;
      const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "ignore"] });
      others.push(child);
      const [port] = (await once(child.stdout, "data")) as [Buffer];
      return `127.0.0.1:${port.toString().trim()}`;
    },
    pass: () => Promise.resolve(),
    async [Symbol.asyncDispose]() {
      for (const other of others) other.kill("SIGKILL");
      await world[Symbol.asyncDispose]();
    },
  };
});
