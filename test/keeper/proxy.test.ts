import assert from "node:assert/strict";
import { once } from "node:events";
import { get } from "node:http";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { Refusal } from "../../src/local/control-socket.ts";
import { identify } from "../../src/local/process-identity.ts";
import { until } from "../support/until.ts";
import { type KeeperUnderTest, keeperUnderTest } from "./keeper-under-test.ts";

describe("the proxy under the keeper", () => {
  it("accepts on the sockets that it was handed when the answer comes; asking again changes nothing", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const port = await freePort();
    const listeners = [{ host: "127.0.0.1", port }];
    const first = await keeper.putProxy({ listeners });
    assert.equal(first.proxy?.state, "running");
    assert.equal(first.proxy.holdsSockets, true);
    assert.equal(await ask(port), String(first.proxy.pid));
    const second = await keeper.putProxy({ listeners });
    assert.equal(second.proxy?.pid, first.proxy.pid);
  });

  it("refuses nobody while it is killed and comes back: the keeper holds the socket", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const port = await freePort();
    const { proxy } = await keeper.putProxy({ listeners: [{ host: "127.0.0.1", port }] });
    const errors: string[] = [];
    const answeredBy = new Map<string, number>();
    const closing = new AbortController();
    const visitor = async (): Promise<void> => {
      while (!closing.signal.aborted) {
        await ask(port).then(
          (pid) => answeredBy.set(pid, (answeredBy.get(pid) ?? 0) + 1),
          (error: NodeJS.ErrnoException) => errors.push(error.code ?? error.message),
        );
      }
    };
    const visitors = [visitor(), visitor()];
    await until("the first one answers", () => answeredBy.has(String(proxy?.pid)));
    process.kill(proxy?.pid ?? 0, "SIGKILL");
    const after = await until("another one runs", async () => {
      const { proxy: now } = await keeper.state();
      return now?.state === "running" && now.pid !== proxy?.pid && now;
    });
    await until("it answers", () => answeredBy.has(String(after.pid)));
    closing.abort();
    await Promise.all(visitors);
    // What was in flight in the killed process is cut; what came new is not refused.
    assert.deepEqual(
      errors.filter((code) => code !== "ECONNRESET"),
      [],
    );
    assert.ok(errors.length <= visitors.length, `${errors.length} cut`);
    assert.equal(after.restarts, 1);
  });

  it("serves on when the keeper is killed, and the next keeper adopts it", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const port = await freePort();
    const listeners = [{ host: "127.0.0.1", port }];
    const pid = (await keeper.putProxy({ listeners })).proxy?.pid ?? 0;
    await keeper.kill("SIGKILL");
    assert.equal(await ask(port), String(pid));
    await keeper.start();
    const adopted = await keeper.putProxy({ listeners });
    assert.equal(adopted.proxy?.pid, pid);
    assert.equal(adopted.proxy.holdsSockets, false);
    process.kill(pid, "SIGKILL");
    const next = await answeringProxy(keeper, port, pid);
    assert.equal(next.holdsSockets, true);
  });

  it("gets a listener more while it runs, and one less by a restart in which nobody is refused", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const [one, two] = [await freePort(), await freePort()];
    const listener = (port: number) => ({ host: "127.0.0.1", port });
    const pid = (await keeper.putProxy({ listeners: [listener(one)] })).proxy?.pid;
    const grown = await keeper.putProxy({ listeners: [listener(one), listener(two)] });
    assert.equal(grown.proxy?.pid, pid);
    assert.equal(await ask(two), String(pid));
    const shrinking = keeper.putProxy({ listeners: [listener(two)] });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ask(two).catch((error: NodeJS.ErrnoException) => error.code)),
    );
    const shrunk = await shrinking;
    assert.ok(!answers.includes("ECONNREFUSED"));
    assert.notEqual(shrunk.proxy?.pid, pid);
    // The old process lets go of its sockets a moment after the new one has answered.
    await until("nobody listens there any more", () =>
      ask(one).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === "ECONNREFUSED",
      ),
    );
  });

  it("is not started on a port that somebody has; the answer says who, and how to take over", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    try {
      const { port } = other.address() as { port: number };
      await assert.rejects(keeper.putProxy({ listeners: [{ host: "127.0.0.1", port }] }), (error: unknown) => {
        assert.ok(error instanceof Refusal);
        assert.equal(error.status, 409);
        assert.equal(error.fault.code, "port-taken");
        assert.match(error.fault.what, new RegExp(`Port ${port} is taken by process ${process.pid} \\(.*node`));
        assert.match(error.fault.fix ?? "", new RegExp(`tidegate release --adopt 127\\.0\\.0\\.1:${port}`));
        return true;
      });
      assert.equal((await keeper.state()).proxy, null);
    } finally {
      other.close();
    }
  });

  it("goes on as it was when a second port that is asked for is taken", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    try {
      const taken = (other.address() as { port: number }).port;
      const port = await freePort();
      const { proxy } = await keeper.putProxy({ listeners: [{ host: "127.0.0.1", port }] });
      const both = [
        { host: "127.0.0.1", port },
        { host: "127.0.0.1", port: taken },
      ];
      await assert.rejects(keeper.putProxy({ listeners: both }), { name: "FaultError" });
      const state = await keeper.state();
      assert.deepEqual(state.proxy?.spec.listeners, [{ host: "127.0.0.1", port }]);
      assert.equal(await ask(port), String(proxy?.pid));
    } finally {
      other.close();
    }
  });

  it("is stopped with the rest", async () => {
    await using keeper = await keeperUnderTest();
    const running = await keeper.start();
    const port = await freePort();
    const pid = (await keeper.putProxy({ listeners: [{ host: "127.0.0.1", port }] })).proxy?.pid ?? 0;
    const ended = once(running, "exit");
    await keeper.call("/stop", { method: "POST" });
    await ended;
    assert.equal(identify(pid), null);
    await assert.rejects(ask(port), { code: "ECONNREFUSED" });
  });
});

async function answeringProxy(keeper: KeeperUnderTest, port: number, not: number) {
  await until("another proxy answers", async () => (await ask(port).catch(() => String(not))) !== String(not));
  const { proxy } = await keeper.state();
  assert.ok(proxy !== null);
  return proxy;
}

/** The pid of the proxy that answers. */
function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get({ host: "127.0.0.1", port, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.once("end", () => resolve(Buffer.concat(chunks).toString()));
      response.once("error", reject);
    });
    request.once("error", reject);
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
