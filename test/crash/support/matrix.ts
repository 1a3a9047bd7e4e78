import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { LoadProcess } from "../../../src/demo/load-process.ts";
import type { LoadReport } from "../../../src/demo/load-report.ts";
import { openSqliteJournal } from "../../../src/adapters/journal/sqlite.ts";
import { replay } from "../../../src/core/release/evolve.ts";
import type { StoredEvent } from "../../../src/ports/journal.ts";
import { confirmations, ofType } from "../../e2e/support/journal.ts";
import { deathsIn, openShop, type Shop } from "./shop.ts";

const DIE_EVERYWHERE = fileURLToPath(new URL("die-everywhere.ts", import.meta.url));
/** Of a release with some sixty events, two places each; more would mean that it never gets on. */
const MOST_DEATHS = 400;

/**
 * The demo's two releases under load, with an engine that is killed before and after every commit of its journal, one
 * place after the other, and attached each time. `every`: only at so many of the places.
 */
export function crashMatrix(every: number): void {
  describe(`an engine that dies at ${every === 1 ? "every place" : `every ${every}th place`} of the demo's releases`, () => {
    const opened = new AsyncDisposableStack();
    after(() => opened.disposeAsync());
    let shop: Shop;
    let load: LoadProcess;
    let report: LoadReport;

    before(async () => {
      shop = opened.use(await openShop());
      const first = await shop.tidegate(["release", shop.versions.v1]);
      assert.equal(first.code, 0, first.stdout + first.stderr);
      load = shop.open();
    });

    it("releases the good version all the same, each thing done once", async (t) => {
      const { code, deaths, events } = await dieThrough(shop, shop.versions.v2, 2, every);
      t.diagnostic(`${deaths} deaths, ${events.length} events`);
      assert.equal(code, 0);
      assert.equal(replay(events)?.state, "closed");
      assertDoneOnce(events);
      assert.ok(deaths > 60 / every, `${deaths} deaths`);
    });

    it("puts the bad version back all the same, each thing done once", async (t) => {
      // Three in a hundred of its answers are wrong: so few customers must be watched for a while.
      shop.hold("30s");
      const { code, deaths, events } = await dieThrough(shop, shop.versions.v3, 3, every);
      t.diagnostic(`${deaths} deaths, ${events.length} events`);
      assert.equal(code, 10);
      assert.equal(replay(events)?.state, "rolled-back");
      assertDoneOnce(events);
      assert.ok(deaths > 60 / every, `${deaths} deaths`);
    });

    it("was noticed by no customer: 0 failed requests, no dropped connection, every order in the store once", async (t) => {
      report = await shop.close(load);
      t.diagnostic(`${report.requests} requests, ${report.failedRequests} failed, ${report.orders.accepted} orders`);
      assert.equal(report.failedRequests, 0, JSON.stringify(report.firstFailures, null, 1));
      assert.equal(report.orders.lost, 0, report.orders.lostIds.join());
      assert.ok(report.orders.accepted > 0);
    });

    it("leaves nothing running but what serves", async () => {
      const running = (await shop.keeper()).instances.filter(({ state }) => state === "running");
      assert.deepEqual(running.map(({ spec }) => `${spec.labels["service"]} ${spec.labels["version"]}`).sort(), [
        `web ${shop.versions.v2}`,
        `worker ${shop.versions.v2}`,
      ]);
      assert.equal((await shop.tidegate(["down", "--yes"])).code, 0);
    });
  });
}

interface Ending {
  readonly code: number | null;
  readonly deaths: number;
  readonly events: readonly StoredEvent[];
}

async function dieThrough(shop: Shop, version: string, release: number, every: number): Promise<Ending> {
  const file = join(shop.folder, `deaths-${release}.txt`);
  const options = { env: { DEATHS: file, DIE_EVERY: String(every) }, node: ["--import", DIE_EVERYWHERE] };
  let words: readonly string[] = ["release", version];
  for (let deaths = 0; deaths <= MOST_DEATHS; deaths += 1) {
    const { code, signal, stdout, stderr } = await shop.tidegate(words, options);
    if (signal === null) {
      assert.ok(code === 0 || code === 10, `ended with ${code} after ${deathsIn(file).at(-1)}\n${stdout}${stderr}`);
      return { code, deaths: deathsIn(file).length, events: await eventsOf(shop, release) };
    }
    assert.equal(signal, "SIGKILL");
    // Before its first event is written the release does not exist, and nobody was told that it does.
    words = (await eventsOf(shop, release)).length === 0 ? ["release", version] : ["attach"];
  }
  assert.fail(`It has died ${MOST_DEATHS} times, last ${deathsIn(file).at(-1)}`);
}

async function eventsOf(shop: Shop, release: number): Promise<readonly StoredEvent[]> {
  await using journal = await openSqliteJournal(shop.state);
  return await journal.read(release);
}

function assertDoneOnce(events: readonly StoredEvent[]): void {
  const twice = Object.entries(confirmations(events)).filter(([, times]) => times > 1);
  assert.deepEqual(twice, []);
  const begun = ofType(events, "step-started").map(({ step, attempt }) => `${step}/${attempt}`);
  assert.equal(new Set(begun).size, begun.length, "each attempt of a step begins once");
}
