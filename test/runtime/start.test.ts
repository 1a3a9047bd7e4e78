import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { get } from "node:http";
import { describe, it } from "node:test";
import { freePort } from "../../src/adapters/runtime/free-port.ts";
import { instanceId } from "../../src/adapters/runtime/instance-id.ts";
import { lineOrder } from "../../src/adapters/runtime/line-program.ts";
import { instanceSpec } from "../../src/adapters/runtime/processes/instance-order.ts";
import { callControl } from "../../src/local/control-socket.ts";
import { identify } from "../../src/local/process-identity.ts";
import type { StartOrder } from "../../src/ports/runtime.ts";
import type { Service } from "../../src/core/plan/service.ts";
import { isFault } from "../contract/runtime.ts";
import { until } from "../support/until.ts";
import { type ProcessWorld, processWorld, running, SERVER, SERVER_SOURCE } from "./world.ts";

describe("starting an instance", () => {
  it("gives it a port of its own, what it is, and what the plan says", async () => {
    await using world = await processWorld();
    const web = running("env > env.txt; mv env.txt seen.txt; exec sleep 600", {
      env: { URL: "http://127.0.0.1:${port}/${slot}", TOKEN: "${SHOP_TOKEN}", MODE: "fast" },
    });
    const order = await orderOf(world, web, { secrets: { SHOP_TOKEN: "hunter2" } });
    const { address } = await world.runtime.start(order);
    const path = `${order.directory}/seen.txt`;
    await until("it has written its environment", () => existsSync(path));
    const env = Object.fromEntries(
      readFileSync(path, "utf8")
        .split("\n")
        .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
    ) as Record<string, string>;
    const port = address?.split(":")[1];
    const { PORT, HOST, DEPLOYMENT_ENV, BLUE_GREEN_MODE, TIDEGATE_VERSION, TIDEGATE_SLOT, URL, TOKEN, MODE } = env;
    assert.deepEqual(
      { PORT, HOST, DEPLOYMENT_ENV, BLUE_GREEN_MODE, TIDEGATE_VERSION, TIDEGATE_SLOT, URL, TOKEN, MODE },
      {
        PORT: port,
        HOST: "127.0.0.1",
        DEPLOYMENT_ENV: "test",
        BLUE_GREEN_MODE: "inactive",
        TIDEGATE_VERSION: order.version,
        TIDEGATE_SLOT: "green",
        URL: `http://127.0.0.1:${port}/green`,
        TOKEN: "hunter2",
        MODE: "fast",
      },
    );
  });

  it("writes no secret to disk and into no command line, however the plan uses it", async () => {
    await using world = await processWorld();
    const web = running("sleep 600 ${SHOP_TOKEN} 2>/dev/null || exec sleep 600", { env: { A: "x${SHOP_TOKEN}" } });
    const order = await orderOf(world, web, { secrets: { SHOP_TOKEN: "hunter2" } });
    const spec = instanceSpec(lineOrder(order), 4_000, {});
    assert.ok(!JSON.stringify({ ...spec, secretEnv: {} }).includes("hunter2"));
    assert.deepEqual(spec.secretEnv, { A: "xhunter2", SHOP_TOKEN: "hunter2" });
    await world.runtime.start(order);
    assert.ok(!readFileSync(world.folder.file("keeper.json"), "utf8").includes("hunter2"));
  });

  it("refuses a name without a value before anything starts", async () => {
    await using world = await processWorld();
    const order = await orderOf(world, running("exec sleep 600 # ${NOWHERE_SET}"));
    await assert.rejects(world.runtime.start(order), isFault("undefined-name"));
    assert.deepEqual(await world.runtime.instances(), []);
  });

  it("runs a service in its own folder of the version", async () => {
    await using world = await processWorld();
    world.write("api/server.js", SERVER_SOURCE);
    const api = { ...SERVER, runtime: { ...SERVER.runtime, directory: "api" } };
    const { address } = await world.runtime.start(await orderOf(world, api));
    assert.equal(await ask(address), "ok");
  });

  it("finds its instance again when the engine and the keeper were killed", async () => {
    await using world = await processWorld();
    world.write("server.js", SERVER_SOURCE);
    const order = await orderOf(world, SERVER);
    const before = await world.runtime.start(order);
    await world.killKeeper();
    const next = world.another();
    const after = await next.start(order);
    assert.equal(after.pid, before.pid);
    assert.equal(after.address, before.address);
    assert.equal(await ask(after.address), "ok");
  });

  it("takes another port when somebody was quicker on the first", async () => {
    await using world = await processWorld();
    // On its first try the app finds its port taken by somebody whom it has nothing to do with.
    world.write(
      "server.js",
      `
      const { existsSync } = require("node:fs");
      const { spawn } = require("node:child_process");
      const port = process.env.PORT;
      const listen = () => require("node:net").createServer().listen(port, "127.0.0.1");
      if (existsSync("thief.txt")) listen();
      else {
        // Its shell ends at once, so that nobody's child listens: a stranger.
        spawn("/bin/sh", ["-c", process.execPath + " thief.js " + port + " &"], { detached: true, stdio: "ignore" });
        const wait = setInterval(() => {
          if (!existsSync("thief.txt")) return;
          clearInterval(wait);
          listen();
        }, 10);
      }
      `,
    );
    world.write(
      "thief.js",
      `
      require("node:net").createServer().listen(process.argv[2], "127.0.0.1", () =>
        require("node:fs").writeFileSync("thief.txt", String(process.pid)));
      setTimeout(() => process.exit(), 20_000);
      `,
    );
    const order = await orderOf(world, running("exec node server.js"));
    const thiefFile = `${order.directory}/thief.txt`;
    try {
      const seen = await world.runtime.start(order);
      assert.equal(seen.state, "running");
      assert.ok(existsSync(thiefFile), "the first port was stolen");
    } finally {
      if (existsSync(thiefFile)) end(Number(readFileSync(thiefFile, "utf8")));
    }
  });

  it("hides in its log what the order's secrets are", async () => {
    await using world = await processWorld();
    const order = await orderOf(
      world,
      running("echo using $SHOP_TOKEN; exec sleep 600", { env: { SHOP_TOKEN: "${SHOP_TOKEN}" } }),
      {
        secrets: { SHOP_TOKEN: "hunter2" },
      },
    );
    const { id } = await world.runtime.start(order);
    const lines = await until("it has written", async () => {
      const log = await world.runtime.log(id, 5);
      return log.length > 0 && log;
    });
    assert.deepEqual(lines, ["using •••"]);
  });

  it("looks at an empty place without starting a keeper", async () => {
    await using world = await processWorld();
    assert.deepEqual(await world.runtime.instances(), []);
    await assert.rejects(world.keeper());
  });

  it("leaves other apps' instances out of its view", async () => {
    await using world = await processWorld();
    const order = await orderOf(world, running("exec sleep 600", { routes: [] }));
    await world.runtime.start({ ...order, app: "other" });
    assert.deepEqual(await world.runtime.instances(), []);
  });
});

describe("an instance's id", () => {
  it("is a file name, whatever the version is called, and tells versions apart", () => {
    const order = { service: SERVER, slot: "blue", index: 0 } as unknown as StartOrder;
    assert.equal(instanceId({ ...order, version: "9f2c1e4a".repeat(5) }), "web-blue-0-9f2c1e4a");
    assert.equal(instanceId({ ...order, version: "4.1.15" }), "web-blue-0-4.1.15");
    const odd = instanceId({ ...order, version: "release:../a" });
    assert.match(odd, /^web-blue-0-release-\.\.-a-[0-9a-f]{6}$/);
    assert.notEqual(odd, instanceId({ ...order, version: "release-../a" }));
  });
});

describe("taking over what runs already", () => {
  it("stops its process when it is retired, since that is known", async () => {
    await using world = await processWorld();
    const { pid, port } = await world.foreign();
    const adopted = await world.runtime.adopt({ ...whose(world), address: `127.0.0.1:${port}` });
    assert.equal(adopted.pid, pid);
    assert.ok((adopted.usage?.rssBytes ?? 0) > 0);
    assert.deepEqual(await world.another().stop(adopted.id, 2_000), {});
    assert.equal(identify(pid), null);
    assert.deepEqual(await world.runtime.instances(), []);
  });

  it("leaves it running, and says so, when another process listens there by then", async () => {
    await using world = await processWorld();
    const { pid: first, port } = await world.foreign();
    const adopted = await world.runtime.adopt({ ...whose(world), address: `127.0.0.1:${port}` });
    end(first);
    await until("it is gone", () => identify(first) === null);
    const { pid: second } = await world.foreign({ port });
    const { leftRunning } = await world.runtime.stop(adopted.id, 2_000);
    assert.match(leftRunning ?? "", /was left running: another process/);
    assert.notEqual(identify(second), null);
  });

  it("says that something else starts it again, when it comes back by itself", async () => {
    await using world = await processWorld();
    const { port } = await world.foreign({ port: await freePort(new Set()), supervised: true });
    const adopted = await world.runtime.adopt({ ...whose(world), address: `127.0.0.1:${port}` });
    const { leftRunning } = await world.runtime.stop(adopted.id, 2_000);
    assert.match(leftRunning ?? "", /runs again: something else than Tidegate starts it/);
  });

  it("is refused where nothing listens, and at Tidegate's own front door", async () => {
    await using world = await processWorld();
    await assert.rejects(world.runtime.adopt({ ...whose(world), address: "127.0.0.1:1" }), isFault("nothing-listens"));
    await world.runtime.claim(1);
    const port = await freePort(new Set());
    const listeners = [{ host: "127.0.0.1", port }];
    const timeouts = { headersMs: 1_000, idleMs: 1_000, connectMs: 1_000 };
    await callControl(world.folder.socket("keeper.sock"), "/proxy", { method: "PUT", body: { listeners, timeouts } });
    const own = world.runtime.adopt({ ...whose(world), address: `127.0.0.1:${port}` });
    await assert.rejects(own, isFault("adopt-own-port"));
  });
});

async function orderOf(world: ProcessWorld, service: Service, more: Partial<StartOrder> = {}): Promise<StartOrder> {
  const version = world.commit("Something");
  const { directory } = await world.runtime.prepare(version, [service], new AbortController().signal);
  const { app, environment } = world;
  const slot = "green";
  return { app, environment, service, version, slot, index: 0, role: "inactive", directory, secrets: {}, ...more };
}

function whose(world: ProcessWorld) {
  return { app: world.app, environment: world.environment, service: "web", version: "adopted", slot: "blue" } as const;
}

function ask(address: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    get(`http://${address}/`, { agent: false }, (response) => {
      response.setEncoding("utf8").once("data", resolve).once("error", reject);
    }).once("error", reject);
  });
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}
