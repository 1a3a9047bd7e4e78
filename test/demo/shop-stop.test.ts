import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { describe, it } from "node:test";
import { ShopProcess } from "./running-shop.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** One request by one agent: its status and whether the shop asked to close the connection. */
function get(url: string, agent: Agent): Promise<{ readonly status: number; readonly closes: boolean }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent }, (answer) => {
      answer.resume();
      answer.once("close", () => {
        if (!answer.complete) return reject(new Error("the answer was cut off"));
        resolve({ status: answer.statusCode ?? 0, closes: answer.headers.connection === "close" });
      });
    });
    outgoing.once("error", reject);
    outgoing.end();
  });
}

describe("a shop that is asked to stop", () => {
  it("finishes every request that has begun, and those that still come on open connections, then ends by itself", async () => {
    await using folder = temporaryFolder();
    writeFileSync(join(folder.path, "faults.json"), JSON.stringify({ v1: { slowMs: 300 } }));
    await using shop = new ShopProcess("server.ts", folder.path);
    const url = await shop.url();
    const agent = new Agent({ keepAlive: true });
    const idle = new Agent({ keepAlive: true, maxSockets: 1 });
    assert.equal((await get(`${url}/products`, idle)).closes, false);

    const underWay = Array.from({ length: 40 }, () => get(`${url}/products`, agent));
    // Connections are accepted in turn: when a later one has been answered, all 40 have been accepted.
    await get(`${url}/health/live`, new Agent());
    shop.terminate();
    const late = await waitForStop(url, idle);
    assert.equal(late.status, 503, "it says of itself that it is not ready any more");
    assert.ok(late.closes, "whoever still holds a connection is told to leave");
    for (const answer of await Promise.all(underWay)) assert.equal(answer.status, 200);
    assert.deepEqual(await shop.exited(), { code: 0, signal: null });
    assert.equal(shop.errors, "");
    agent.destroy();
    idle.destroy();
  });

  it("ends although somebody holds a connection on which nothing was ever asked", async () => {
    await using folder = temporaryFolder();
    await using shop = new ShopProcess("server.ts", folder.path);
    const socket = connect(Number(new URL(await shop.url()).port), "127.0.0.1");
    await once(socket, "connect");
    shop.terminate();
    assert.deepEqual(await shop.exited(), { code: 0, signal: null });
    assert.equal(shop.errors, "");
    socket.destroy();
  });

  it("ends event streams with their last chunk", async () => {
    await using folder = temporaryFolder();
    await using shop = new ShopProcess("server.ts", folder.path);
    const ended = new Promise<boolean>((resolve, reject) => {
      shop.url().then((url) => {
        const outgoing = request(`${url}/events`, { agent: false }, (answer) => {
          answer.once("data", () => shop.terminate());
          answer.resume();
          answer.once("close", () => resolve(answer.complete));
        });
        outgoing.once("error", reject);
        outgoing.end();
        return undefined;
      }, reject);
    });
    assert.equal(await ended, true);
    assert.equal((await shop.exited()).code, 0);
  });
});

/** Asks for readiness on the one connection until the answer is that of a shop that stops. */
async function waitForStop(url: string, agent: Agent): Promise<{ readonly status: number; readonly closes: boolean }> {
  for (;;) {
    const answer = await get(`${url}/health/ready`, agent);
    if (answer.status !== 200) return answer;
  }
}
