import assert from "node:assert/strict";
import { statSync } from "node:fs";
import type { Server } from "node:http";
import { get } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { callControl } from "../../src/local/control-socket.ts";
import { createStateFolder, type StateFolder, stateFolder } from "../../src/local/state-folder.ts";
import type { Engine } from "../../src/engine/api.ts";
import { type EngineIdentity, ENGINE_SOCKET, reachEngine, serveEngine } from "../../src/server/engine-socket.ts";
import { serveHealth } from "../../src/server/health.ts";
import { SHIFTING } from "../cli/support/statuses.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const temporary = temporaryFolder();
const folder: StateFolder = stateFolder(temporary.file("state"));
let pokes = 0;
let isJournalWell = true;

/** As much of an engine as its socket asks. */
const ENGINE: Engine = {
  epoch: 3,
  fenced: () => null,
  untilFenced: new Promise(() => undefined),
  ask: () => Promise.reject(new Error("nothing is asked over the socket")),
  poke: () => void (pokes += 1),
  status: (release) => Promise.resolve(release === 42 ? SHIFTING : null),
  releases: () => (isJournalWell ? Promise.resolve([42, 41]) : Promise.reject(new Error("disk full"))),
  onChange: () => () => undefined,
  patrol: () => [{ instance: "web-blue-0-a1f09cdd", service: "web", ok: true, atMs: 1, text: "fine" }],
  untilSettled: () => Promise.resolve(SHIFTING),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
const IDENTITY: EngineIdentity = { pid: 7, kind: "serve", epoch: 3, startedAtMs: 1, version: "0.1.0" };
const servers: Server[] = [];

before(async () => {
  createStateFolder(folder);
  servers.push(await serveEngine(ENGINE, IDENTITY, folder));
});

after(async () => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  await temporary[Symbol.asyncDispose]();
});

describe("the engine's socket", () => {
  const socket = (): string => folder.socket(ENGINE_SOCKET);

  it("can be opened by its owner alone", () => {
    assert.equal(statSync(socket()).mode & 0o777, 0o600);
  });

  it("says who acts, where a release stands, and how the instances were when they were last looked at", async () => {
    const remote = await reachEngine(folder);
    assert.deepEqual(remote?.identity, IDENTITY);
    assert.deepEqual(await remote.status(42), SHIFTING);
    assert.equal(await remote.status(9), null);
    assert.equal((await remote.patrol())[0]?.instance, "web-blue-0-a1f09cdd");
    assert.deepEqual(await callControl(socket(), "/releases"), { releases: [42, 41] });
  });

  it("is poked, and nothing is asked over it: that is the journal's", async () => {
    await (await reachEngine(folder))?.poke();
    assert.equal(pokes, 1);
    await assert.rejects(callControl(socket(), "/ask", { method: "POST", body: {} }), /There is nothing at POST \/ask/);
  });

  it("refuses what is no release", async () => {
    for (const release of ["", "?release=x", "?release=-1", "?release=9"])
      await assert.rejects(callControl(socket(), `/status${release}`), /There is no release/);
  });

  it("tells that nobody acts where nobody answers", async () => {
    assert.equal(await reachEngine(stateFolder(temporary.file("other"))), null);
  });
});

describe("Tidegate's own health", () => {
  let port = 0;
  before(async () => {
    const server = await serveHealth("127.0.0.1:0", ENGINE);
    servers.push(server);
    port = (server.address() as AddressInfo).port;
  });

  const ask = (path: string, method = "GET"): Promise<{ readonly status: number; readonly body: unknown }> =>
    new Promise((resolve, reject) => {
      get({ port, host: "127.0.0.1", path, method, agent: false }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (part: string) => (text += part));
        response.once("end", () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as unknown }));
      }).once("error", reject);
    });

  it("is live as long as it answers, and ready as long as its journal does", async () => {
    assert.deepEqual(await ask("/health/live"), { status: 200, body: { live: true } });
    assert.deepEqual(await ask("/health/ready?from=monitor"), { status: 200, body: { ready: true, epoch: 3 } });
    isJournalWell = false;
    const { status, body } = await ask("/health/ready");
    isJournalWell = true;
    assert.equal(status, 503);
    assert.match(JSON.stringify(body), /disk full/);
  });

  it("answers nothing else, and changes nothing", async () => {
    for (const [path, method] of [
      ["/status", "GET"],
      ["/", "GET"],
      ["/health/ready", "POST"],
    ] as const)
      assert.equal((await ask(path, method)).status, 404);
  });

  it("listens on the loopback alone, and says who is in the way", async () => {
    for (const listen of ["0.0.0.0:9400", "192.168.0.1:9400", "example.com:9400", "127.0.0.1:99999", ""])
      await assert.rejects(serveHealth(listen, ENGINE), /is not an address of this machine alone/);
    await assert.rejects(serveHealth(`127.0.0.1:${port}`, ENGINE), /Somebody else listens on/);
  });
});
