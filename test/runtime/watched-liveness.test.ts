import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";
import { type Asked, watchedLiveness } from "../../src/adapters/runtime/watched-liveness.ts";
import { until } from "../support/until.ts";

let server: Server;
let status = 200;
let asked = 0;
const restarted: Asked[] = [];

before(async () => {
  server = createServer((_, response) => {
    asked += 1;
    response.writeHead(status).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
after(() => server.close());
beforeEach(() => {
  asked = 0;
  restarted.length = 0;
});

const watch = watchedLiveness((each: Asked) => Promise.resolve(void restarted.push(each)));
const one = (id: string, more: Partial<Asked> = {}): Asked => ({
  id,
  life: 1,
  startedAt: 0,
  address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
  liveness: { path: "/live", everyMs: 0, timeoutMs: 5_000, fall: 3, delayMs: 0 },
  ...more,
});
const askTimes = (what: Asked, times: number): Promise<unknown> => {
  const wanted = asked + times;
  return until(`${times} more questions`, () => {
    watch(what);
    return asked >= wanted;
  });
};

describe("an instance of a runtime that asks nobody whether it lives", () => {
  it("may still be starting while it has never answered well, for as long as a start may take", async () => {
    status = 500;
    const slow = one("slow", { startedAt: Date.now(), liveness: { ...one("slow").liveness, startMs: 600_000 } });
    await askTimes(slow, 5);
    assert.deepEqual(restarted, []);
    status = 200;
    await askTimes(slow, 1);
    status = 500;
    await until("it was restarted", () => restarted.length > 0 || (watch(slow), false));
  });

  it("is left alone while it answers, and asked one question at a time", async () => {
    status = 200;
    watch(one("busy"));
    watch(one("busy"));
    watch(one("busy"));
    await until("it was asked", () => asked > 0);
    assert.equal(asked, 1);
    await askTimes(one("well"), 5);
    assert.deepEqual(restarted, []);
  });

  it("is restarted when it was asked in vain so often in a row", async () => {
    status = 500;
    await until("it is restarted", () => {
      watch(one("hung"));
      return restarted.length > 0;
    });
    assert.equal(restarted[0]?.id, "hung");
    assert.ok(asked >= 3, `asked ${asked} times`);
  });

  it("gets its time after the start, and begins from nothing with each life", async () => {
    status = 500;
    const slow = one("slow", { startedAt: Date.now() });
    await askTimes({ ...slow, liveness: { ...slow.liveness, delayMs: 600_000 } }, 6);
    for (let life = 1; life <= 4; life += 1) await askTimes(one("new", { life }), 2);
    assert.deepEqual(restarted, []);
  });
});
