import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { FaultError } from "../../src/core/fault.ts";
import { runLoad, USUAL_LOAD } from "../../src/demo/run-load.ts";
import { createShopRepository, type ShopVersions } from "../../src/demo/shop-repository.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { ask, checkOut, fillCart, ShopProcess } from "./running-shop.ts";

describe("the demo's shop repository", () => {
  const folder = temporaryFolder();
  const repository = folder.file("shop");
  let versions: ShopVersions;

  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: repository, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim();
  const worktree = (tag: string): string => {
    const path = folder.file(`worktree-${tag}`);
    if (!existsSync(path)) git("worktree", "add", "--quiet", "--detach", path, tag);
    return path;
  };
  const start = (tag: string): ShopProcess =>
    new ShopProcess("server.ts", folder.file(`data-${tag}`), { folder: worktree(tag) });

  before(async () => {
    versions = await createShopRepository(repository);
  });
  after(() => folder[Symbol.asyncDispose]());

  it("has three tagged commits in a row, a clean working tree and the plan file", () => {
    assert.deepEqual(git("log", "--format=%H %D").split("\n"), [
      `${versions.v3} HEAD -> main, tag: v3`,
      `${versions.v2} tag: v2`,
      `${versions.v1} tag: v1`,
    ]);
    assert.equal(git("status", "--short"), "");
    assert.ok(existsSync(`${repository}/tidegate.yaml`));
    assert.ok(!existsSync(`${repository}/versions`), "the versions are commits there");
  });

  it("is the same every time, so that versions have the same names", async () => {
    assert.deepEqual(await createShopRepository(folder.file("again")), versions);
  });

  it("is made in an empty folder only", async () => {
    writeFileSync(folder.file("precious"), "");
    await assert.rejects(createShopRepository(folder.path), (error) => {
      assert.ok(error instanceof FaultError);
      assert.equal(error.fault.code, "shop-folder-in-use");
      return true;
    });
  });

  it("runs from a worktree of each version, and each says which it is", async () => {
    for (const tag of ["v1", "v2", "v3"]) {
      await using shop = start(tag);
      const url = await shop.url();
      const { status, headers } = await ask(`${url}/products`);
      assert.deepEqual([status, headers.get("x-shop-version")], [200, tag]);
      const cart = await fillCart(url);
      assert.equal((await checkOut(url, cart.body.cart, `order-${tag}`)).status, 201);
    }
  });

  it("can search in version 2, and says when an order arrives", async () => {
    await using shop = start("v2");
    const url = await shop.url();
    const found = await ask<{ products: { id: string }[] }>(`${url}/products?search=tomato`);
    assert.deepEqual(
      found.body.products.map(({ id }) => id),
      ["tomato", "fertiliser"],
    );
    const cart = await fillCart(url);
    const order = (await checkOut(url, cart.body.cart, "order-with-a-day")).body as unknown as { arrivesOn: string };
    assert.match(order.arrivesOn, /^\d{4}-\d\d-\d\d$/);
    assert.match((await ask<string>(`${url}/`)).body, /type="search"/);
  });

  it("throws in version 3 for carts that no parcel holds, and for no others", async () => {
    await using shop = start("v3");
    const url = await shop.url();
    assert.equal((await fillCart(url, "soil", 1)).status, 201);
    const heavy = await fillCart(url, "soil", 2);
    assert.equal(heavy.status, 500);
    assert.equal(heavy.headers.get("x-shop-error"), "1");
    await shop.says(/POST \/cart failed: TypeError: Cannot read .*'price'\)\n +at deliveryCost .*delivery\.ts:\d+/);
  });

  it("fails about three of a hundred of the customers' requests in version 3, and none in version 2", async () => {
    const shares = new Map<string, number>();
    for (const [tag, requests] of [
      ["v2", 300],
      ["v3", 600],
    ] as const) {
      await using shop = start(tag);
      const enough = new AbortController();
      const load = { ...USUAL_LOAD, url: await shop.url(), requestsPerSecond: 150, webSockets: 2, eventStreams: 1 };
      const { report } = await runLoad(load, enough.signal, ({ totals }) => {
        if (totals.requests >= requests) enough.abort();
      });
      assert.equal(report.failedRequests, 0, JSON.stringify(report.firstFailures));
      shares.set(tag, report.appErrors / report.requests);
    }
    assert.equal(shares.get("v2"), 0);
    const share = shares.get("v3") ?? 0;
    assert.ok(share > 0.015 && share < 0.05, `${(100 * share).toFixed(1)} % of the requests failed`);
  });
});
