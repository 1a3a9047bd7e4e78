import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { FaultError } from "../../src/core/fault.ts";
import type { Lease, RoutingTable, TrafficState } from "../../src/core/traffic/routing.ts";
import { callControl } from "../../src/local/control-socket.ts";
import { openControl } from "../../src/proxy/control.ts";
import { Succession } from "../../src/proxy/succession.ts";
import { PROXY_TABLE_FILE } from "../../src/proxy/protocol.ts";
import {
  backend,
  EMPTY_TABLE,
  endpoint,
  eventually,
  get,
  type PlaneUnderTest,
  startNamedApp,
  startPlane,
  temporaryFolder,
} from "./plane-under-test.ts";

/** Two versions, a folder, and a way to ask the control socket of a plane in it. */
async function startWorld() {
  const folder = temporaryFolder();
  const stable = await startNamedApp("v1");
  const candidate = await startNamedApp("v2");
  const table = (changes: Partial<RoutingTable> = {}): RoutingTable => ({
    ...EMPTY_TABLE,
    stable: backend("v1", endpoint("web-blue-1", stable)),
    candidate: backend("v2", endpoint("web-green-1", candidate)),
    share: 500,
    ...changes,
  });
  const start = async (): Promise<ControlledPlane> => {
    const plane = await startPlane(null, { folder: folder.path });
    const path = join(folder.path, "proxy.sock");
    const succession = new Succession(plane.plane, () => undefined);
    const control = await openControl(path, Promise.resolve({ plane: plane.plane, succession }));
    return {
      ...plane,
      ask: (method, requestPath, body) =>
        callControl(path, requestPath, body === undefined ? { method } : { method, body }),
      write: (ifRevision, changes) =>
        callControl(path, "/table", {
          method: "PUT",
          body: { ifRevision, table: table({ revision: ifRevision + 1, ...changes }) },
        }),
      async [Symbol.asyncDispose]() {
        control.close();
        control.closeAllConnections();
        await plane[Symbol.asyncDispose]();
      },
    };
  };
  return {
    folder: folder.path,
    table,
    start,
    async [Symbol.asyncDispose]() {
      await stable.close();
      await candidate.close();
      folder[Symbol.dispose]();
    },
  };
}

interface ControlledPlane extends PlaneUnderTest {
  ask<T>(method: "GET" | "PUT" | "POST", path: string, body?: unknown): Promise<T>;
  write(ifRevision: number, changes?: Partial<RoutingTable>): Promise<TrafficState>;
}

function refusedWith(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof FaultError, String(error));
    assert.equal(error.fault.code, code);
    return true;
  };
}

const stored = (
  folder: string,
): { table: RoutingTable; epoch: number; returnedAt: number | null; leaseEndsAt: number } =>
  JSON.parse(readFileSync(join(folder, PROXY_TABLE_FILE), "utf8"));

describe("the table", () => {
  it("is on disk, for its owner alone, when it is acknowledged", async () => {
    await using world = await startWorld();
    await using plane = await world.start();
    const state = await plane.write(0);
    assert.equal(state.table?.revision, 1);
    assert.deepEqual(stored(world.folder).table, world.table());
    assert.equal(statSync(join(world.folder, PROXY_TABLE_FILE)).mode & 0o777, 0o600);
    assert.equal(statSync(join(world.folder, "proxy.sock")).mode & 0o777, 0o600);
  });

  it("is served from disk by the next process, with no engine", async () => {
    await using world = await startWorld();
    {
      await using plane = await world.start();
      await plane.write(0, { share: 10_000 });
    }
    await using plane = await world.start();
    assert.equal((await get(plane.port)).body, "v2");
    assert.equal((await plane.ask<TrafficState>("GET", "/state")).table?.revision, 1);
  });

  it("is refused unless the writer has seen the one in force", async () => {
    await using world = await startWorld();
    await using plane = await world.start();
    await plane.write(0);
    await plane.write(1, { share: 1_000 });
    await assert.rejects(plane.write(1, { share: 2_000 }), refusedWith("revision-conflict"));
    await assert.rejects(plane.write(7, { share: 2_000 }), refusedWith("revision-conflict"));
    const { table } = await plane.ask<TrafficState>("GET", "/state");
    assert.equal(table?.share, 1_000);
  });

  it("is written by one of many at once", async () => {
    await using world = await startWorld();
    await using plane = await world.start();
    const writes = await Promise.allSettled(Array.from({ length: 10 }, (_, i) => plane.write(0, { share: i })));
    assert.equal(writes.filter(({ status }) => status === "fulfilled").length, 1);
  });

  it("is refused from an engine of an older epoch, after a restart too", async () => {
    await using world = await startWorld();
    {
      await using plane = await world.start();
      await plane.write(0, { epoch: 3 });
      await plane.ask("POST", "/claim", { epoch: 5 });
      await assert.rejects(plane.write(1, { epoch: 4 }), refusedWith("stale-epoch"));
      await assert.rejects(plane.ask("POST", "/claim", { epoch: 4 }), refusedWith("stale-epoch"));
      await assert.rejects(plane.ask("POST", "/renew", { epoch: 4 }), refusedWith("stale-epoch"));
      await plane.ask("POST", "/claim", { epoch: 5 });
    }
    await using plane = await world.start();
    await assert.rejects(plane.write(1, { epoch: 4 }), refusedWith("stale-epoch"));
    await plane.write(1, { epoch: 6 });
    await assert.rejects(plane.ask("POST", "/claim", { epoch: 5 }), refusedWith("stale-epoch"));
  });

  it("that can't be served is refused, with the reason, and the old one stays", async () => {
    await using world = await startWorld();
    await using plane = await world.start();
    await plane.write(0);
    const wrong: readonly (readonly [string, Record<string, unknown>])[] = [
      ["more than 100 %", { share: 10_001 }],
      ["a fraction", { share: 0.5 }],
      ["a share without a candidate", { candidate: null, share: 1 }],
      ["one version on both sides", { candidate: backend("v1", endpoint("x", { port: 1 })) }],
      ["one id for two instances", { candidate: backend("v2", endpoint("web-blue-1", { port: 1 })) }],
      ["a port that is none", { stable: backend("v1", endpoint("a", { port: 70_000 })) }],
      ["a route without a slash", { routes: [{ path: "x", service: "web" }] }],
      ["a cookie that can't be set", { sticky: { kind: "cookie", name: "a b;" } }],
      ["an unknown stickiness", { sticky: { kind: "hope" } }],
      [
        "a lease to a stable that is not there",
        { stable: null, share: 10_000, lease: { unwatchedMs: 1, do: "stable" } },
      ],
      ["no routes", { routes: undefined }],
      ["health that never asks", { health: { web: { path: "/", everyMs: 0, timeoutMs: 1, rise: 1, fall: 1 } } }],
    ];
    for (const [name, changes] of wrong) {
      await assert.rejects(plane.write(1, changes), refusedWith("traffic-table-refused"), name);
    }
    await assert.rejects(
      plane.ask("PUT", "/table", { ifRevision: 1, table: world.table({ revision: 5 }) }),
      refusedWith("traffic-table-refused"),
    );
    await assert.rejects(plane.ask("PUT", "/table", "table"), refusedWith("traffic-table-refused"));
    await assert.rejects(plane.ask("PUT", "/table"), refusedWith("traffic-table-refused"));
    assert.equal((await plane.ask<TrafficState>("GET", "/state")).table?.revision, 1);
  });

  it("that can't be read at start is put aside, so that an engine can write another", async () => {
    await using world = await startWorld();
    mkdirSync(world.folder, { recursive: true });
    writeFileSync(join(world.folder, PROXY_TABLE_FILE), "{ half");
    await using plane = await world.start();
    assert.equal((await get(plane.port)).headers.get("x-tidegate-error"), "no-table");
    assert.ok(readdirSync(world.folder).includes(`${PROXY_TABLE_FILE}.unreadable`));
    await plane.write(0, { share: 0 });
    assert.equal((await get(plane.port)).body, "v1");
  });

  it("goes toward stable even when the disk takes nothing, and is saved later", async () => {
    await using world = await startWorld();
    await using plane = await world.start();
    await plane.write(0, { share: 10_000 });
    // A folder in its place can't be replaced by a file: as good as a full disk, for root too.
    const file = join(world.folder, PROXY_TABLE_FILE);
    rmSync(file);
    mkdirSync(join(file, "in-the-way"), { recursive: true });
    await assert.rejects(plane.write(1, { share: 0 }), refusedWith("table-not-saved"));
    assert.equal((await get(plane.port)).body, "v1");
    assert.equal((await plane.ask<TrafficState>("GET", "/state")).table?.share, 0);
    await assert.rejects(plane.write(2, { share: 10_000 }), refusedWith("table-not-saved"));
    assert.equal((await get(plane.port)).body, "v1", "away from stable only what is on disk");
    rmSync(file, { recursive: true });
    await eventually("the table to be saved", () => statSync(file, { throwIfNoEntry: false })?.isFile() === true);
    assert.equal(stored(world.folder).table.share, 0);
  });

  it("keeps what is known of an instance across tables", async () => {
    await using world = await startWorld();
    await using plane = await world.start();
    await plane.write(0);
    await eventually(
      "the probe",
      async () => (await plane.ask<TrafficState>("GET", "/state")).endpoints["web-green-1"]?.healthy === true,
    );
    const state = await plane.write(1, { share: 600 });
    assert.equal(state.endpoints["web-green-1"]?.healthy, true);
  });

  it("changes between two requests, never within one: no request fails while it flips", async () => {
    await using world = await startWorld();
    await using plane = await world.start();
    await plane.write(0);
    const over = new AbortController();
    const statuses = new Set<number>();
    const load = Array.from({ length: 4 }, async () => {
      while (!over.signal.aborted) statuses.add((await get(plane.port)).status);
    });
    for (let revision = 1; revision <= 40; revision += 1)
      await plane.write(revision, { share: (revision % 2) * 10_000 });
    over.abort();
    await Promise.all(load);
    assert.deepEqual(statuses, new Set([200]));
  });
});

describe("the lease", () => {
  const lease = (unwatchedMs: number, then: Lease["do"] = "stable"): Lease => ({ unwatchedMs, do: then });

  it("ends when nobody renews it: the plane goes back to stable by itself and says when", async () => {
    await using world = await startWorld();
    await using plane = await world.start();
    const before = Date.now();
    await plane.write(0, { share: 10_000 - 1, lease: lease(100) });
    await eventually("the plane to return", () => plane.plane.table.returnedAt !== null);
    const state = await plane.ask<TrafficState>("GET", "/state");
    assert.ok((state.returnedAt ?? 0) >= before + 90);
    assert.equal(state.table?.share, 0);
    assert.equal(state.table?.revision, 2);
    assert.equal((await get(plane.port)).body, "v1");
    await eventually("it to be saved", () => stored(world.folder).table.share === 0);
    await assert.rejects(plane.ask("POST", "/renew", { epoch: 1 }), refusedWith("lease-ended"));
    await assert.rejects(plane.write(1, { share: 9_999 }), refusedWith("revision-conflict"));
    assert.equal(state.leaseEndsAt, null);
    const renewed = await plane.write(2, { share: 100, lease: lease(60_000) });
    assert.equal(renewed.returnedAt, null);
    const left = (renewed.leaseEndsAt ?? 0) - Date.now();
    assert.ok(left > 30_000 && left <= 60_000, "it says when it goes back unless somebody renews");
  });

  it("goes on while it is renewed", async () => {
    await using world = await startWorld();
    await using plane = await world.start();
    await using other = await startWorld();
    await using unwatched = await other.start();
    await plane.write(0, { lease: lease(2_000) });
    await unwatched.write(0, { lease: lease(2_000) });
    await eventually("the one that nobody renews to return", async () => {
      await plane.ask("POST", "/renew", { epoch: 1 });
      return unwatched.plane.table.returnedAt !== null;
    });
    assert.equal(plane.plane.table.returnedAt, null);
    assert.equal(plane.plane.table.table?.share, 500);
  });

  it("that says hold ends without a word", async () => {
    await using world = await startWorld();
    await using plane = await world.start();
    await using other = await startWorld();
    await using unwatched = await other.start();
    assert.equal((await plane.write(0, { lease: lease(1, "hold") })).leaseEndsAt, null);
    await unwatched.write(0, { lease: lease(50) });
    await eventually("one that ends later to return", () => unwatched.plane.table.returnedAt !== null);
    assert.equal(plane.plane.table.returnedAt, null);
    assert.equal(plane.plane.table.table?.share, 500);
  });

  it("goes on over a restart, and one that has ended meanwhile returns to stable at the start", async () => {
    await using world = await startWorld();
    {
      await using plane = await world.start();
      await plane.write(0, { share: 9_999, lease: lease(1_500) });
    }
    {
      await using plane = await world.start();
      assert.equal(plane.plane.table.table?.share, 9_999);
      await eventually("the plane to return", () => plane.plane.table.returnedAt !== null);
      await plane.write(2, { share: 9_999, lease: lease(50) });
    }
    await eventually("the end of the lease", () => Date.now() > stored(world.folder).leaseEndsAt);
    await using plane = await world.start();
    await eventually("the plane to return", () => plane.plane.table.returnedAt !== null);
    assert.equal((await get(plane.port)).body, "v1");
  });

  it("counts from its last renewal after a restart", async () => {
    await using world = await startWorld();
    {
      await using plane = await world.start();
      await plane.write(0, { lease: lease(3_000) });
      await eventually("half of it", () => Date.now() > stored(world.folder).leaseEndsAt - 1_500);
      await plane.ask("POST", "/renew", { epoch: 1 });
    }
    await eventually("the end that it would have had", () => Date.now() > stored(world.folder).leaseEndsAt);
    await using plane = await world.start();
    // Comes after whatever the start has brought about, and is refused where the lease has ended.
    await plane.ask("POST", "/renew", { epoch: 1 });
    assert.equal(plane.plane.table.returnedAt, null);
    assert.equal(plane.plane.table.table?.share, 500);
  });

  it("is nothing to renew where there is none", async () => {
    await using world = await startWorld();
    await using plane = await world.start();
    await plane.ask("POST", "/renew", { epoch: 0 });
    await plane.write(0);
    await plane.ask("POST", "/renew", { epoch: 1 });
  });
});

describe("the control socket", () => {
  it("tells readiness, metrics and what it does not know", async () => {
    await using world = await startWorld();
    await using plane = await world.start();
    await assert.rejects(plane.ask("GET", "/nonsense"), refusedWith("no-such-request"));
    await assert.rejects(plane.ask("POST", "/drain", { endpoint: 1 }), refusedWith("bad-request"));
    await assert.rejects(plane.ask("POST", "/claim", {}), refusedWith("bad-request"));
    assert.equal(plane.plane.isReady, false);
    await plane.write(0);
    assert.equal(plane.plane.isReady, true);
    assert.deepEqual(await plane.ask("POST", "/drain", { endpoint: "web-green-1", deadlineMs: 100 }), { left: 0 });
    const state = await plane.ask<TrafficState>("GET", "/state");
    assert.equal(state.pid, process.pid);
    assert.deepEqual(state.listening, [{ host: "127.0.0.1", port: plane.port, tls: false }]);
  });
});
