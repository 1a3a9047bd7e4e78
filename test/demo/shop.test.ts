import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ask, checkOut, fillCart, type Order, ShopProcess } from "./running-shop.ts";
import { until } from "../support/until.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("the shop", () => {
  const folder = temporaryFolder();
  let shop: ShopProcess;
  let url: string;

  before(async () => {
    shop = new ShopProcess("server.ts", folder.path, { env: { TIDEGATE_VERSION: "0123abc" } });
    url = await shop.url();
  });
  after(async () => {
    await shop[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  it("says in every answer which version made it and when it began, and answers with the caller's number", async () => {
    const before = Date.now();
    for (const path of ["/", "/products", "/nowhere", "/health/live"]) {
      const { headers } = await ask(url + path, { headers: { "x-load-number": "4711" } });
      assert.equal(headers.get("x-shop-version"), "v1");
      assert.equal(headers.get("x-load-number"), "4711");
      const begun = Number(headers.get("x-shop-begun"));
      assert.ok(begun >= before && begun <= Date.now(), `${path} began at ${begun}`);
    }
  });

  it("lists its products with their stock, and shows each", async () => {
    const { body } = await ask<{ products: { id: string; stock: number }[] }>(`${url}/products`);
    assert.equal(body.products.length, 24);
    for (const product of body.products) {
      const shown = await ask<{ id: string; price: number }>(`${url}/products/${product.id}`);
      assert.equal(shown.body.id, product.id);
      assert.ok(shown.body.price > 0);
    }
  });

  it("shows customers a page with everything that it sells", async () => {
    const { body, headers } = await ask<string>(`${url}/`);
    assert.match(headers.get("content-type") ?? "", /^text\/html/);
    assert.match(body, /Potting soil, 40 l/);
    assert.match(body, /title="build 0123abc">v1</);
  });

  it("turns a cart into one order, however often it is sent", async () => {
    const cart = await fillCart(url, "spade", 2);
    assert.equal(cart.status, 201);
    assert.equal(cart.body.total, 2 * 3990 + 490);
    const first = await checkOut(url, cart.body.cart, "key-spade-0001");
    assert.equal(first.status, 201);
    assert.equal(first.body.id, "key-spade-0001");
    const again = await checkOut(url, cart.body.cart, "key-spade-0001");
    assert.equal(again.status, 200);
    assert.deepEqual(again.body, first.body);
    const found = await ask<Order>(`${url}/orders/key-spade-0001`);
    assert.deepEqual(found.body, first.body);
    const otherKey = await checkOut(url, cart.body.cart, "key-spade-0002");
    assert.equal(otherKey.status, 404, "a cart is ordered once");
  });

  it("marks every error as its own", async () => {
    const wrong: readonly [number, Promise<{ status: number; headers: Headers }>][] = [
      [404, ask(`${url}/nowhere`)],
      [404, ask(`${url}/products/unicorn`)],
      [404, ask(`${url}/orders/none-such`)],
      [404, ask(`${url}/products`, { method: "DELETE" })],
      [400, ask(`${url}/cart`, { body: { lines: [] } })],
      [400, ask(`${url}/cart`, { body: { lines: [null] } })],
      [400, ask(`${url}/cart`, { body: { lines: [{ product: "basil", quantity: 0.5 }] } })],
      [400, ask(`${url}/checkout`, { body: { cart: "x" } })],
      [400, checkOut(url, "some-cart", "short")],
      [404, checkOut(url, "some-cart", "long-enough")],
      [413, ask(`${url}/cart`, { body: { lines: "x".repeat(70_000) } })],
    ];
    for (const [status, asked] of wrong) {
      const answer = await asked;
      assert.equal(answer.status, status);
      assert.equal(answer.headers.get("x-shop-error"), "1");
    }
    assert.equal((await ask(`${url}/products`)).headers.get("x-shop-error"), null);
  });

  it("tells whether it lives, is ready, and how what it depends on is", async () => {
    const live = await ask<{ live: boolean; build: string }>(`${url}/health/live`);
    assert.deepEqual([live.status, live.body.live, live.body.build], [200, true, "0123abc"]);
    assert.equal((await ask(`${url}/health/ready`)).status, 200);
    const depends = await ask<{ store: string }>(`${url}/health/deps`);
    assert.deepEqual([depends.status, depends.body.store], [200, "ok"]);
  });

  it("streams its ticks as server-sent events", async () => {
    const answer = await fetch(`${url}/events`);
    assert.equal(answer.headers.get("content-type"), "text/event-stream");
    let text = "";
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      if ((text.match(/data: /g) ?? []).length >= 2) break;
    }
    assert.match(text, /data: \{"type":"tick","version":"v1","product":"\w/);
  });
});

describe("a shop that is broken on purpose", () => {
  it("throws, slows down and dies as faults.json says for its version, and its health goes on answering", async () => {
    await using folder = temporaryFolder();
    const faults = (value: object): void => writeFileSync(join(folder.path, "faults.json"), JSON.stringify(value));
    await using shop = new ShopProcess("server.ts", folder.path, { env: { SHOP_VERSION: "v2" } });
    const url = await shop.url();
    const answers = (status: number): Promise<Headers> =>
      until(`the shop answers ${status}`, async () => {
        const answer = await ask(`${url}/products`);
        return answer.status === status && answer.headers;
      });

    faults({ v1: { errors: 1 } });
    await answers(200);
    faults({ v2: { errors: 1 } });
    assert.equal((await answers(500)).get("x-shop-error"), "1");
    await shop.says(/GET \/products failed: TypeError: .*\n +at /);
    assert.equal((await ask(`${url}/health/ready`)).status, 200);

    faults({ v2: { slowMs: 150 } });
    await answers(200);
    const began = performance.now();
    await ask(`${url}/products`);
    assert.ok(performance.now() - began >= 145, "the answer is held back");

    faults({ v2: { crash: true } });
    assert.equal((await shop.exited()).code, 1);
    assert.match(shop.errors, /RangeError/);
  });
});
