import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { createManualClock } from "../../src/adapters/clock/manual.ts";
import { createEmbeddedTraffic } from "../../src/adapters/traffic/embedded.ts";
import { createMemoryTraffic } from "../../src/adapters/traffic/memory.ts";
import { bucketOf, upperEdge } from "../../src/core/analysis/histogram.ts";
import { FaultError } from "../../src/core/fault.ts";
import type { SecondRow } from "../../src/core/observation.ts";
import { usualCounting } from "../support/counting.ts";
import type { RoutingTable } from "../../src/core/traffic/routing.ts";
import { isAnswered } from "../../src/local/control-socket.ts";
import { stateFolder } from "../../src/local/state-folder.ts";
import { PROXY_SOCKET } from "../../src/proxy/protocol.ts";
import { until } from "../support/until.ts";
import { trafficContract, type TrafficWorld } from "./traffic.ts";

const PROXY = fileURLToPath(new URL("../../src/proxy/main.ts", import.meta.url));

trafficContract("memory", async () => memoryWorld());
trafficContract("embedded", embeddedWorld);

function row(second: number, version: string): SecondRow {
  return {
    second,
    version,
    requests: 1,
    status: { ok: 1, redirect: 0, client: 0, server: 0, failed: 0 },
    latency: { 700: 1 },
    webSockets: { opened: 0, failed: 0 },
    worst: [],
    mixed: false,
  };
}

function memoryWorld() {
  const clock = createManualClock(1_700_000_000_000);
  const traffic = createMemoryTraffic({ clock });
  return {
    clock,
    traffic,
    listeners: [{ host: "127.0.0.1", port: 8080 }],
    instance: { host: "127.0.0.1", port: 9000 },
    async serve(version: string) {
      traffic.push(row(Math.floor(clock.wall() / 1_000), version));
      await clock.advance(1_000);
    },
    pass: (time: number) => clock.advance(time),
    kill: async () => traffic.setAway(true),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** The real proxy in a process of its own; a test in the place of the keeper. */
async function embeddedWorld(): Promise<TrafficWorld> {
  const path = mkdtempSync(join(tmpdir(), "tidegate-traffic-"));
  const folder = stateFolder(path);
  const socket = folder.socket(PROXY_SOCKET);
  const app = createServer((_request, response) => response.end("app"));
  app.listen(0, "127.0.0.1");
  await once(app, "listening");
  let proxy: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (proxy === undefined || proxy.exitCode !== null || proxy.signalCode !== null) return;
    const exited = once(proxy, "exit");
    proxy.kill("SIGKILL");
    await exited;
  };
  const traffic = createEmbeddedTraffic({
    folder,
    async startProxy(listeners) {
      if (await isAnswered(socket)) return;
      const asked = listeners.flatMap(({ host, port }) => ["--listen", `${host}:${port}`]);
      proxy = spawn(process.execPath, [PROXY, "--state", path, ...asked], { stdio: ["ignore", "ignore", "inherit"] });
      await until("the proxy to listen", async () => (await traffic.read())?.listening.length === listeners.length);
    },
  });
  return {
    traffic,
    listeners: [{ host: "127.0.0.1", port: 0 }],
    instance: { host: "127.0.0.1", port: (app.address() as AddressInfo).port },
    async serve(version) {
      const state = await traffic.read();
      const { next } = await traffic.observations(0);
      const response = await fetch(`http://127.0.0.1:${state?.listening[0]?.port}/`);
      assert.equal(await response.text(), "app");
      await until("the second to be over", async () => {
        const { rows } = await traffic.observations(next);
        return rows.some((each) => each.version === version);
      });
    },
    pass: (time) => delay(time),
    kill,
    async [Symbol.asyncDispose]() {
      await kill();
      app.close();
      app.closeAllConnections();
      rmSync(path, { recursive: true, force: true });
    },
  };
}

describe("the data plane in memory", () => {
  const table = (changes: Partial<RoutingTable> = {}): RoutingTable => ({
    revision: 1,
    epoch: 1,
    app: "shop",
    environment: "test",
    release: 1,
    offset: 0,
    stable: { version: "v1", slot: "blue", instances: [] },
    candidate: { version: "v2", slot: "green", instances: [] },
    share: 500,
    routes: [],
    sticky: { kind: "none" },
    pins: { header: "x-tidegate-version" },
    engineToken: "token",
    health: {},
    lease: null,
    ...changes,
  });

  async function world() {
    const made = memoryWorld();
    await made.traffic.ensure(made.listeners);
    return made;
  }

  const isUnreachable = (error: unknown): boolean =>
    error instanceof FaultError && error.fault.code === "traffic-unreachable";

  it("can lose the answer to a write that it has carried out", async () => {
    const { traffic } = await world();
    traffic.lieNext("answer-lost");
    await assert.rejects(traffic.write(table(), 0), isUnreachable);
    assert.equal((await traffic.read())?.table?.share, 500);
  });

  it("can acknowledge a write that is not in force yet", async () => {
    const { traffic } = await world();
    traffic.lieNext("not-in-force");
    assert.equal((await traffic.write(table(), 0)).table?.share, 500);
    assert.equal((await traffic.read())?.table, null);
    traffic.bringInForce();
    assert.equal((await traffic.read())?.table?.share, 500);
  });

  it("can answer late, and fail as often as it is told", async () => {
    const { traffic } = await world();
    const release = traffic.holdNext("write");
    let isAnswered = false;
    const writing = traffic.write(table(), 0).finally(() => (isAnswered = true));
    await new Promise(setImmediate);
    assert.equal(isAnswered, false);
    release();
    await writing;
    traffic.failNext({ code: "traffic-unreachable", what: "Away." }, "renew", 2);
    await assert.rejects(traffic.renew(1), isUnreachable);
    await traffic.claim(1);
    await assert.rejects(traffic.renew(1), isUnreachable);
    await traffic.renew(1);
  });

  it("records what was asked of it", async () => {
    const { traffic } = await world();
    await traffic.write(table(), 0);
    await traffic.renew(1);
    assert.deepEqual(
      traffic.calls.map(({ method }) => method),
      ["ensure", "write", "renew"],
    );
    assert.deepEqual(traffic.writes, [table()]);
  });

  it("waits with a drain until its deadline while something is in flight", async () => {
    const { traffic, clock } = await world();
    traffic.setEndpoint("web-1", { inFlight: 2 });
    const drained = traffic.drain("web-1", 5_000);
    await clock.untilSleeping();
    await clock.advance(5_000);
    assert.deepEqual(await drained, { left: 2 });
  });

  it("counts rows as if all visitors were strangers: what failed, and what was slower than stable's minute before", async () => {
    const { traffic } = await world();
    await traffic.write(table({ counting: usualCounting(1) }), 0);
    const rowOf = (second: number, version: string, ms: number): SecondRow => ({
      ...row(second, version),
      requests: 60,
      status: { ok: 57, redirect: 0, client: 0, server: 2, failed: 1 },
      latency: { [bucketOf(ms)]: 60 },
    });
    traffic.push(rowOf(100, "v1", 10), rowOf(109, "v1", 10), rowOf(110, "v1", 11), rowOf(110, "v2", 11));
    traffic.push(rowOf(111, "v2", 12));
    const { rows } = await traffic.observations(0);
    const limitMs = upperEdge(bucketOf(10));
    const errors = { requests: 60, bad: 3, newlyBad: 3 };
    assert.deepEqual(rows[1]?.counted, { errors });
    assert.deepEqual(rows[2]?.counted?.errors, errors);
    assert.deepEqual(rows[2]?.counted?.p50, { requests: 60, bad: 60, newlyBad: 60, limitMs });
    assert.deepEqual(rows[2]?.cohorts?.p50?.[19], [3, 3]);
    assert.deepEqual(rows[3]?.counted?.p50, { requests: 60, bad: 0, newlyBad: 0, limitMs }, "within the tolerance");
    assert.deepEqual(rows[4]?.counted?.p50, { requests: 60, bad: 60, newlyBad: 60, limitMs });
    assert.equal(rows[3]?.cohorts, undefined);
  });

  it("says how many rows were lost, and counts anew after a restart", async () => {
    const { traffic } = await world();
    traffic.push(row(1, "v1"));
    const { next, proxy } = await traffic.observations(0);
    traffic.lose(3);
    assert.equal((await traffic.observations(next)).lost, 3);
    traffic.restart();
    const anew = await traffic.observations(0);
    assert.notEqual(anew.proxy, proxy);
    assert.deepEqual(anew.rows, []);
  });
});
