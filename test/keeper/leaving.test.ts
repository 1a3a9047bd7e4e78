import assert from "node:assert/strict";
import { once } from "node:events";
import type { Server } from "node:http";
import { after, before, describe, it } from "node:test";
import { freePort } from "../../src/adapters/runtime/free-port.ts";
import { Refusal } from "../../src/local/control-socket.ts";
import { identify } from "../../src/local/process-identity.ts";
import { get } from "../proxy/plane-under-test.ts";
import { until } from "../support/until.ts";
import { keeperUnderTest } from "./keeper-under-test.ts";
import { holdRequest, plane, REAL, serving, startShop, writeTable } from "./real-proxy.ts";

let app: Server;
before(async () => {
  app = await startShop();
});
after(() => app.close());

describe("a proxy that is leaving", { concurrency: 4 }, () => {
  it("lets no third one begin: a second restart is refused with a sentence, and done once it has ended", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start(REAL);
    const port = await serving(keeper, app);
    const first = await plane(keeper);
    const held = holdRequest(port);
    await held.begun;
    const restart = () => keeper.call("/proxy/restart", { method: "POST", body: {} });
    await restart();
    const second = await plane(keeper);
    await assert.rejects(restart(), (error: unknown) => {
      assert.ok(error instanceof Refusal);
      assert.deepEqual([error.status, error.fault.code], [409, "proxy-still-leaving"]);
      assert.match(error.fault.what, new RegExp(`^Process ${first.pid} .* still finishes .* for \\d+m.* at most`));
      assert.match(error.fault.fix ?? "", new RegExp(`kill ${first.pid}$`));
      return true;
    });
    assert.equal((await plane(keeper)).pid, second.pid);
    const waiting = restart();
    held.finish();
    assert.match(await held.answer, /\r\n\r\nshop$/);
    await waiting;
    assert.notEqual((await plane(keeper)).pid, second.pid);
    assert.equal((await get(port)).body, "shop");
  });

  it("nor may an address go that both listen on: nothing of what was asked for is changed", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start(REAL);
    const port = await serving(keeper, app);
    const held = holdRequest(port);
    await held.begun;
    await keeper.call("/proxy/restart", { method: "POST", body: {} });
    const { pid } = await plane(keeper);
    const other = await freePort(new Set([port]));
    await assert.rejects(
      keeper.putProxy({ listeners: [{ host: "127.0.0.1", port: other }] }),
      (error) => error instanceof Refusal && error.fault.code === "proxy-still-leaving",
    );
    const { proxy } = await keeper.state();
    assert.deepEqual([proxy?.pid, proxy?.spec.listeners], [pid, [{ host: "127.0.0.1", port }]]);
    await assert.rejects(get(other));
    assert.equal((await get(port)).body, "shop");
    held.finish();
    assert.match(await held.answer, /\r\n\r\nshop$/);
  });

  it("is followed by a third one when the second is killed, and then all of them have had every change", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start(REAL);
    const port = await serving(keeper, app);
    const first = await plane(keeper);
    const held = holdRequest(port);
    await held.begun;
    await keeper.call("/proxy/restart", { method: "POST", body: {} });
    const second = await plane(keeper);
    await writeTable(keeper, { release: 7 });
    process.kill(second.pid, "SIGKILL");
    // Nobody is refused: the keeper holds the socket.
    assert.equal((await get(port)).body, "shop");
    const third = await until("a third one is in charge", async () => {
      const now = await plane(keeper).catch(() => null);
      return now !== null && now.pid !== first.pid && now.pid !== second.pid ? now : null;
    });
    assert.deepEqual([third.table?.release, third.leaving?.pid], [7, first.pid]);
    await writeTable(keeper, { release: 8 });
    held.finish();
    assert.match(await held.answer, /\r\n\r\nshop$/);
    await until("the first has ended", () => identify(first.pid) === null);
    const now = await plane(keeper);
    assert.deepEqual([now.pid, now.table?.release], [third.pid, 8]);
    await until("it is forgotten", async () => (await keeper.state()).proxy?.leaving.length === 0);
    await keeper.call("/proxy/restart", { method: "POST", body: {} });
    assert.equal((await get(port)).body, "shop");
  });

  it("is ended with the rest when everything is stopped", async () => {
    await using keeper = await keeperUnderTest();
    const running = await keeper.start(REAL);
    const port = await serving(keeper, app);
    const first = await plane(keeper);
    const held = holdRequest(port);
    await held.begun;
    await keeper.call("/proxy/restart", { method: "POST", body: {} });
    const second = await plane(keeper);
    const ended = once(running, "exit");
    const stopped = keeper.call("/stop", { method: "POST" });
    held.finish();
    await stopped;
    await ended;
    assert.deepEqual([identify(first.pid), identify(second.pid)], [null, null]);
    assert.match(await held.answer, /\r\n\r\nshop$/, "what it had was finished first");
    assert.equal(keeper.record().proxy, null);
  });

  it("and hangs keeps no other from serving: it is ended when the one that followed it has died", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start(REAL);
    const port = await serving(keeper, app);
    const first = await plane(keeper);
    const held = holdRequest(port);
    await held.begun;
    await keeper.call("/proxy/restart", { method: "POST", body: {} });
    const second = await plane(keeper);
    process.kill(first.pid, "SIGSTOP");
    process.kill(second.pid, "SIGKILL");
    await until("a third one serves", async () => (await plane(keeper).catch(() => second)).pid !== second.pid, 30_000);
    assert.equal((await get(port)).body, "shop");
    assert.equal(identify(first.pid), null);
    assert.equal(await held.answer, "", "what it had is lost");
  });
});
