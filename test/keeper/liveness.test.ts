import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { until } from "../support/until.ts";
import { keeperUnderTest } from "./keeper-under-test.ts";

/** Answers 200 on / until the file `sick` lies beside it; ignores SIGTERM, as what hangs does. */
const PROGRAM = `
  process.on("SIGTERM", () => {});
  const { existsSync } = require("node:fs");
  require("node:http").createServer((request, response) => {
    response.statusCode = existsSync("sick") ? 500 : 200;
    response.end();
  }).listen(Number(process.argv[2]), "127.0.0.1");
`;

describe("liveness", () => {
  it("ends a process that answers badly so often in a row, and starts it again as one that crashed", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    writeFileSync(keeper.file("app.js"), PROGRAM);
    const port = await freePort();
    const liveness = { url: `http://127.0.0.1:${port}/`, everyMs: 100, timeoutMs: 1_000, fall: 3, delayMs: 0 };
    const command = `exec ${process.execPath} app.js ${port}`;
    const { pid } = await keeper.put({ id: "web", command, liveness });
    await until("it is well", () =>
      fetch(liveness.url).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
    assert.equal((await keeper.instance("web")).pid, pid);
    writeFileSync(keeper.file("sick"), "");
    const after = await until("it was started again", async () => {
      const state = await keeper.instance("web");
      return state.restarts >= 1 && state;
    });
    assert.equal(after.lastExit?.signal, "SIGKILL");
    assert.match(keeper.said(), /web is alive and not well .*answers 500, 3 times in a row/);
  });

  it("leaves one alone that was never well, for as long as a start may take, and no longer once it was", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    let [status, asked] = [500, 0];
    const server = createHttpServer((_, response) => {
      asked += 1;
      response.writeHead(status).end();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const liveness = { url, everyMs: 20, timeoutMs: 5_000, fall: 1, delayMs: 0, startMs: 600_000 };
    const { pid } = await keeper.put({ id: "web", command: "exec sleep 600", liveness });
    await until("it was asked while it starts", () => asked >= 2);
    assert.equal((await keeper.instance("web")).pid, pid);
    [status, asked] = [200, 0];
    await until("it was well", () => asked >= 2);
    status = 500;
    await until("it was started again", async () => (await keeper.instance("web")).restarts >= 1);
    server.close();
  });

  it("leaves one alone that is slow to come up, for its delay", async () => {
    await using keeper = await keeperUnderTest();
    await keeper.start();
    const port = await freePort();
    const liveness = { url: `http://127.0.0.1:${port}/`, everyMs: 20, timeoutMs: 500, fall: 1, delayMs: 600_000 };
    const { pid } = await keeper.put({ id: "web", command: "exec sleep 600", liveness });
    const impatient = { ...liveness, delayMs: 0 };
    await keeper.put({ id: "other", command: "exec sleep 600", liveness: impatient });
    await until(
      "the one without a delay was started again",
      async () => (await keeper.instance("other")).restarts >= 1,
    );
    const state = await keeper.instance("web");
    assert.deepEqual([state.pid, state.restarts], [pid, 0]);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
