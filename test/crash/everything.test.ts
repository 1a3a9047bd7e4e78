import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import type { LoadProcess } from "../../src/demo/load-process.ts";
import { processesIn } from "../e2e/support/leftovers.ts";
import { untilShare } from "../e2e/support/release.ts";
import { openShop, type Shop } from "./support/shop.ts";

let shop: Shop;
let load: LoadProcess;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  shop = opened.use(await openShop());
  const first = await shop.tidegate(["release", shop.versions.v1]);
  assert.equal(first.code, 0, first.stdout + first.stderr);
  load = shop.open();
});

it("a release of which everything was killed at once is brought back by attach, and ends as it would have", async (t) => {
  const engine = shop.start(["release", shop.versions.v2]);
  await untilShare(engine, 20);
  const mine = processesIn(shop.folder).filter(({ pid }) => pid !== load.pid);
  assert.ok(mine.length >= 6, JSON.stringify(mine));
  for (const { pid } of mine) process.kill(pid, "SIGKILL");
  assert.equal((await engine.ended).signal, "SIGKILL");
  const killedAt = Date.now();

  const attached = await shop.tidegate(["attach"]);
  t.diagnostic(`closed ${Date.now() - killedAt} ms after everything was killed`);
  assert.equal(attached.code, 0, attached.stdout + attached.stderr);
  assert.equal((await shop.status()).state, "closed");
  const running = (await shop.keeper()).instances.filter(({ state }) => state === "running");
  assert.deepEqual(
    [...new Set(running.map(({ spec }) => spec.labels["version"]))],
    [shop.versions.v2],
    "nothing else is left running",
  );
});

it("costs the customers what happened while nothing ran, and not one order that was accepted", async (t) => {
  const report = await shop.close(load);
  t.diagnostic(`${report.failedRequests} of ${report.requests} requests, ${report.orders.accepted} orders`);
  assert.equal(report.orders.lost, 0, report.orders.lostIds.join());
  assert.equal(report.failures["timeout"] ?? 0, 0, "nobody was left waiting");
});
