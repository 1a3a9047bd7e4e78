import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { verifyOrders } from "../../src/demo/verify-orders.ts";
import { checkOut, fillCart, ShopProcess } from "./running-shop.ts";
import { until } from "../support/until.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const ORDERS = 240;

describe("orders", () => {
  it("are accepted exactly once while blue, green and two workers write at the same time", async () => {
    await using folder = temporaryFolder();
    // All four open the new store at once, too.
    await using blue = new ShopProcess("server.ts", folder.path, { env: { SHOP_VERSION: "v1" } });
    await using green = new ShopProcess("server.ts", folder.path, { env: { SHOP_VERSION: "v2" } });
    await using firstWorker = new ShopProcess("worker.ts", folder.path);
    await using secondWorker = new ShopProcess("worker.ts", folder.path);
    const urls = [await blue.url(), await green.url()] as const;

    const accepted = new Map<string, number>();
    await Promise.all(
      Array.from({ length: ORDERS }, async (_, number) => {
        const key = `order-${number.toString().padStart(5, "0")}`;
        const cart = await fillCart(urls[number % 2 === 0 ? 0 : 1], "tomato", 1 + (number % 5));
        assert.equal(cart.status, 201);
        // An impatient customer: the same order through both versions in the same moment.
        const answers = await Promise.all(urls.map((url) => checkOut(url, cart.body.cart, key)));
        assert.deepEqual(
          answers.map(({ status }) => status).toSorted((one, other) => one - other),
          [200, 201],
        );
        assert.deepEqual(answers[0]?.body, { ...answers[1]?.body, state: answers[0]?.body.state });
        accepted.set(key, answers[0]?.body.total ?? 0);
      }),
    );
    const store = join(folder.path, "shop.db");
    assert.deepEqual(verifyOrders(store, accepted), {
      accepted: ORDERS,
      found: ORDERS,
      lost: [],
      doubled: [],
      different: [],
    });

    // Both workers finish what they have begun, so what they say at their end is all that they did.
    const packed = await Promise.all(
      [firstWorker, secondWorker].map(async (worker) => {
        await worker.says(/packs orders/);
        await nothingWaits(store);
        worker.terminate();
        const [, count] = await worker.says(/stopped, (\d+) orders packed/);
        assert.equal((await worker.exited()).code, 0);
        return Number(count);
      }),
    );
    assert.equal(
      packed.reduce((sum, count) => sum + count, 0),
      ORDERS,
      "each order is packed by one worker",
    );

    using database = open(store);
    const [sold] = database.rows("SELECT quantity FROM sold WHERE product = 'tomato'") as [{ quantity: number }];
    assert.equal(sold.quantity, (ORDERS / 5) * (1 + 2 + 3 + 4 + 5), "what was sold is what was ordered");
    const versions = database.rows("SELECT DISTINCT accepted_by FROM orders ORDER BY 1");
    assert.deepEqual(
      versions.map((row) => row["accepted_by"]),
      ["v1", "v2"],
      "both versions took orders",
    );
  });

  it("survive kill -9 of the shop that accepted them", async () => {
    await using folder = temporaryFolder();
    const accepted = new Map<string, number>();
    {
      await using shop = new ShopProcess("server.ts", folder.path);
      const url = await shop.url();
      const underWay = Array.from({ length: 60 }, async (_, number) => {
        const cart = await fillCart(url);
        const order = await checkOut(url, cart.body.cart, `order-${number}-kill`);
        accepted.set(order.body.id, order.body.total);
        if (accepted.size === 20) shop.child.kill("SIGKILL");
      });
      await Promise.allSettled(underWay);
    }
    assert.ok(accepted.size >= 20);
    const check = verifyOrders(join(folder.path, "shop.db"), accepted);
    assert.equal(check.found, accepted.size);
  });
});

function open(store: string) {
  const database = new DatabaseSync(store, { timeout: 2_000 });
  return {
    rows: (sql: string) => database.prepare(sql).all(),
    [Symbol.dispose]: () => database.close(),
  };
}

async function nothingWaits(store: string): Promise<void> {
  using database = open(store);
  const waiting = "SELECT 1 FROM orders WHERE fulfilled_at IS NULL LIMIT 1";
  await until("the workers have packed everything", () => database.rows(waiting).length === 0);
}
