import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { RoutingTable } from "../../src/core/traffic/routing.ts";
import { bootId } from "../../src/local/process-identity.ts";
import { PROXY_TABLE_FILE } from "../../src/proxy/protocol.ts";
import {
  backend,
  endpoint,
  eventually,
  get,
  startApp,
  startNamedApp,
  startPlane,
  temporaryFolder,
} from "./plane-under-test.ts";

const HEALTH = { web: { path: "/ready", everyMs: 10_000, timeoutMs: 1_000, rise: 1, fall: 3 } };

describe("instances that a plane has only read of", () => {
  it("get requests at once on the same boot where they accept connections, whatever their health says", async () => {
    await using app = await startApp((request, response) => {
      if (request.url === "/ready") response.statusCode = 503;
      response.end("served");
    });
    using folder = await rememberedTable({ stable: backend("v1", endpoint("web-1", app)), health: HEALTH });
    await using plane = await startPlane(null, { folder: folder.path });
    assert.equal((await get(plane.port)).body, "served");
  });

  it("get none where nothing listens, until it does and is ready; others do", async () => {
    const gone = await startNamedApp("gone");
    const { port } = gone;
    await using other = await startNamedApp("other");
    using folder = await rememberedTable({
      stable: backend("v1", endpoint("web-1", gone), endpoint("web-2", other)),
      health: HEALTH,
    });
    await gone.close();
    await using plane = await startPlane(null, { folder: folder.path });
    for (let i = 0; i < 10; i += 1) assert.equal((await get(plane.port)).body, "other");
    await using _back = await startApp((_request, response) => response.end("back"), port);
    await eventually("it gets requests too", async () => (await get(plane.port)).body === "back");
  });

  it("get none on another boot before their own readiness has said so, though something listens there", async () => {
    let isReady = false;
    await using app = await startApp((request, response) => {
      if (request.url === "/ready" && !isReady) response.statusCode = 503;
      response.end(isReady ? "ready" : "too early");
    });
    using folder = await rememberedTable({ stable: backend("v1", endpoint("web-1", app)), health: HEALTH });
    reboot(folder.path);
    await using plane = await startPlane(null, { folder: folder.path });
    const refused = await get(plane.port);
    assert.deepEqual([refused.status, refused.headers.get("x-tidegate-error")], [503, "no-instance"]);
    assert.equal(refused.headers.get("retry-after"), "1");
    isReady = true;
    // Asked more often than every 10 s: people wait.
    await eventually("it gets requests", async () => (await get(plane.port)).body === "ready");
  });

  it("count against no version while they are still coming up", async () => {
    await using stable = await startNamedApp("v1");
    const gone = await startNamedApp("v2");
    using folder = await rememberedTable({
      stable: backend("v1", endpoint("web-1", stable)),
      candidate: backend("v2", endpoint("web-2", gone)),
      share: 10_000,
    });
    await gone.close();
    await using plane = await startPlane(null, { folder: folder.path });
    for (let i = 0; i < 5; i += 1) assert.equal((await get(plane.port)).body, "v1", "stable stands in");
    plane.plane.observations.finish();
    const { rows } = plane.plane.observations.batch(0);
    assert.deepEqual(
      rows.map(({ version, requests, status }) => [version, requests, status.failed]),
      [["v1", 5, 0]],
    );
  });
});

/** A folder in which a plane has acknowledged a table before it ended. */
async function rememberedTable(table: Partial<RoutingTable>): Promise<ReturnType<typeof temporaryFolder>> {
  const folder = temporaryFolder();
  await using _plane = await startPlane(table, { folder: folder.path });
  return folder;
}

function reboot(folder: string): void {
  const path = join(folder, PROXY_TABLE_FILE);
  const text = readFileSync(path, "utf8");
  assert.ok(text.includes(bootId()));
  writeFileSync(path, text.replaceAll(bootId(), "another boot"));
}
