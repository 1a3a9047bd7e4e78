import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { after, before, describe, it } from "node:test";
import { freePort } from "../../src/adapters/runtime/free-port.ts";
import { identify } from "../../src/local/process-identity.ts";
import { get } from "../proxy/plane-under-test.ts";
import { until } from "../support/until.ts";
import { keeperUnderTest, runKeeperProgram } from "./keeper-under-test.ts";
import { holdRequest, plane, REAL, serving, startShop } from "./real-proxy.ts";

describe("a keeper that takes over from one that runs", { concurrency: 3 }, () => {
  it("of an older Tidegate leaves instances and proxy as they are, and ends that one", async () => {
    await using keeper = await keeperUnderTest();
    const old = await keeper.start({ version: "1.9.0" });
    const port = await freePort(new Set());
    const proxy = (await keeper.putProxy({ listeners: [{ host: "127.0.0.1", port }] })).proxy?.pid;
    const { pid } = await keeper.put({ id: "web", command: "exec sleep 600" });
    const ended = once(old, "exit");
    const next = await keeper.start({ version: "1.10.0" });
    assert.deepEqual(await ended, [0, null]);
    const state = await keeper.state();
    assert.deepEqual([state.pid, state.version, state.proxy?.pid], [next.pid, "1.10.0", proxy]);
    assert.deepEqual([(await keeper.instance("web")).pid, (await keeper.instance("web")).restarts], [pid, 0]);
  });

  it("of the same version does so only when it is told to; of a newer one never by itself", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start({ version: "2.0.0" });
    for (const version of ["2.0.0", "1.9.9"]) {
      const refused = runKeeperProgram(keeper.stateDir, keeper.file(`${version}.txt`), { version });
      assert.deepEqual(await once(refused, "exit"), [3, null]);
      assert.match(readFileSync(keeper.file(`${version}.txt`), "utf8"), /keeper-runs-already/);
    }
    const next = await keeper.start({ version: "2.0.0", takeOver: "any" });
    assert.equal((await keeper.state()).pid, next.pid);
  });

  it("gets the secrets of what is not alive in that moment, which no file holds", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    await keeper.put({
      id: "web",
      command: `[ -e go ] && { echo "$TOKEN" > token.txt; exec sleep 600; }; exit 1`,
      secretEnv: { TOKEN: "hunter2-hunter2" },
    });
    await until("it waits for its next try", async () => (await keeper.instance("web")).state === "backoff");
    await keeper.start({ takeOver: "any" });
    writeFileSync(keeper.file("go"), "");
    await until("it runs, with its secret", () => existsSync(keeper.file("token.txt")));
    await until("it is written", () => readFileSync(keeper.file("token.txt"), "utf8") === "hunter2-hunter2\n");
    assert.ok(!keeper.said().includes("hunter2"));
    assert.ok(!JSON.stringify(keeper.record()).includes("hunter2"));
  });
});

let app: Server;
before(async () => {
  app = await startShop();
});
after(() => app.close());

describe("the listening sockets of a proxy that a keeper did not start", { concurrency: 3 }, () => {
  it("come to it: the proxy killed, those who connect wait and are answered", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start(REAL);
    const port = await serving(keeper, app);
    await keeper.kill("SIGKILL");
    await keeper.start(REAL);
    const { proxy } = await keeper.state();
    assert.equal(proxy?.holdsSockets, true);
    const errors: string[] = [];
    const closing = new AbortController();
    const visitor = async (): Promise<void> => {
      while (!closing.signal.aborted) await get(port).catch((error: Error) => errors.push(causeOf(error)));
    };
    const visitors = [visitor(), visitor()];
    process.kill(proxy.pid ?? 0, "SIGKILL");
    await until("another one serves", async () => {
      const { pid } = await plane(keeper).catch(() => ({ pid: proxy.pid }));
      return pid !== proxy.pid;
    });
    assert.equal((await get(port)).body, "shop");
    closing.abort();
    await Promise.all(visitors);
    assert.ok(!errors.includes("ECONNREFUSED"), errors.join(" "));
    assert.ok(errors.length <= visitors.length, errors.join(" "));
  });

  it("let it hand over from that proxy to another one without a failed request", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start(REAL);
    const port = await serving(keeper, app);
    await keeper.kill("SIGKILL");
    await keeper.start(REAL);
    const before = await plane(keeper);
    const closing = new AbortController();
    let answers = 0;
    const visitor = async (): Promise<void> => {
      while (!closing.signal.aborted) {
        assert.equal((await get(port)).body, "shop");
        answers += 1;
      }
    };
    const visitors = [visitor(), visitor()];
    await keeper.call("/proxy/restart", { method: "POST", body: {} });
    const now = await plane(keeper);
    assert.notEqual(now.pid, before.pid);
    const soFar = answers;
    await until("the new one answers", () => answers > soFar + 20);
    closing.abort();
    await Promise.all(visitors);
    await until("the old one has ended", () => identify(before.pid) === null);
    await until("it is forgotten", async () => (await keeper.state()).proxy?.leaving.length === 0);
  });

  it("are never the proxy's alone while one keeper follows another", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start(REAL);
    const port = await serving(keeper, app);
    for (let turn = 0; turn < 3; turn += 1) {
      const old: ChildProcess = await keeper.start({ ...REAL, takeOver: "any" });
      assert.equal((await keeper.state()).proxy?.holdsSockets, true);
      assert.equal(old.exitCode, null);
    }
    const { proxy } = await keeper.state();
    process.kill(proxy?.pid ?? 0, "SIGKILL");
    assert.equal((await get(port)).body, "shop");
  });

  it("are finished with by a proxy that was left to leave when its keeper was killed", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start(REAL);
    const port = await serving(keeper, app);
    const first = await plane(keeper);
    const held = holdRequest(port);
    await held.begun;
    await keeper.call("/proxy/restart", { method: "POST", body: {} });
    await keeper.kill("SIGKILL");
    await keeper.start(REAL);
    const { proxy } = await keeper.state();
    assert.deepEqual(
      proxy?.leaving.map(({ pid }) => pid),
      [first.pid],
    );
    held.finish();
    assert.match(await held.answer, /\r\n\r\nshop$/);
    await until("it has ended", () => identify(first.pid) === null);
    await until("it is forgotten", async () => (await keeper.state()).proxy?.leaving.length === 0);
  });
});

function causeOf(error: Error): string {
  const { cause } = error as { cause?: { code?: string } };
  return cause?.code ?? error.message;
}
