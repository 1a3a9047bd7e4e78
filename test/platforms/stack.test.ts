import assert from "node:assert/strict";
import { copyFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { lastStatus, untilShare } from "../e2e/support/release.ts";
import { until } from "../support/until.ts";
import { composeShop, type ComposeShop } from "./support/compose-shop.ts";
import { type ShopCustomers, shopCustomers, type ShopFailure } from "./support/shop-customers.ts";
import {
  assertTakenOver,
  shopCloses,
  shopGoesBack,
  shopPlan,
  shopReleases,
  type ShopStage,
  SLOW_MS,
} from "./support/shop-releases.ts";
import { type SupervisedHaproxy, supervisedHaproxy } from "./support/supervised-haproxy.ts";

let shop: ComposeShop;
let haproxy: SupervisedHaproxy;
let customers: ShopCustomers;
let plan: string;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());
const at = (): ShopStage => ({ shop, customers, plan });

before(async () => {
  shop = opened.use(await composeShop(() => shopPlan("{ embedded: 8080 }")));
  shop.compose("up", "-d");
  haproxy = opened.use(await supervisedHaproxy([`server web 127.0.0.1:${shop.published}`]));
  plan = shopPlan(`{ haproxy: { socket: ${haproxy.socket}, files: ${haproxy.files} } }`);
  shop.app.plan(plan);
  shop.app.commit("Have HAProxy divide the traffic");
  const ready = `http://127.0.0.1:${haproxy.port}/health/ready`;
  const isOpen = (): Promise<boolean> =>
    fetch(ready).then(
      ({ ok }) => ok,
      () => false,
    );
  await until("the shop is open", isOpen, SLOW_MS);
});

describe("a compose project that runs behind an HAProxy", () => {
  it("has its customers, to begin with", async () => {
    customers = opened.use(shopCustomers(haproxy.port));
    await customers.more(50);
    assert.deepEqual(customers.seen.failures, []);
  });

  it("gets Tidegate's part into its HAProxy, and nobody notices", async () => {
    const applied = await shop.tidegate(["haproxy", "apply", haproxy.configuration, "--yes"]);
    assert.equal(applied.code, 0, applied.stdout + applied.stderr);
    await haproxy.reload();
    const checked = await shop.tidegate(["haproxy", "check"]);
    assert.equal(checked.code, 0, checked.stdout + checked.stderr);
    await customers.more(100);
    assert.deepEqual(customers.seen.failures, []);
  });

  it("is taken over without a failed request, workers too", async () => {
    const ended = await shop.tidegate(["release", "--adopt", `127.0.0.1:${shop.published}`, "--yes", "--json"]);
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    await customers.more(50);
    assert.ok((customers.seen.by[lastStatus(ended).candidate.version] ?? 0) > 0);
    assertTakenOver(at());
  });
});

shopGoesBack(at);
shopReleases(at);

describe("an HAProxy that ends while a release of the shop has a part of the traffic", () => {
  /** Only what was under way when it was killed may be lost: one request a customer, and nobody was refused. */
  const assertCut = (killedAt: number, againAt: number): void => {
    const lost = customers.seen.failures.splice(0);
    const words = JSON.stringify(lost);
    assert.ok(lost.length <= customers.count, words);
    const isCut = ({ what, sentAt }: ShopFailure): boolean => sentAt <= againAt && !what.includes("ECONNREFUSED");
    assert.ok(lost.every(isCut), `${words}, killed at ${killedAt}, there again at ${againAt}`);
  };

  it("goes on with the same shares after a reload, and nobody notices", async () => {
    shop.change("src/products.ts", "cents: 349", "cents: 369");
    const release = shop.start(["release", "--yes", "--json"]);
    await untilShare(release, 25, 1, SLOW_MS);
    await haproxy.reload();
    await customers.more(60);
    const ended = await release.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.deepEqual(customers.seen.failures, []);
    assert.ok(!ended.stdout.includes("share-drifted"), ended.stdout);
  });

  it("begins with the same shares when it was killed, and costs what was under way", async (context) => {
    shop.change("src/products.ts", "cents: 369", "cents: 379");
    const release = shop.start(["release", "--yes", "--json"]);
    await untilShare(release, 25, 1, SLOW_MS);
    const killedAt = Date.now();
    await haproxy.kill();
    const againAt = Date.now();
    await customers.more(60);
    const ended = await release.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    context.diagnostic(`away for ${againAt - killedAt} ms, lost ${JSON.stringify(customers.seen.failures)}`);
    assertCut(killedAt, againAt);
    assert.ok(!ended.stdout.includes("share-drifted"), ended.stdout);
  });

  it("begins with stable where its files are from before the release, which is put right", async (context) => {
    const names = readdirSync(haproxy.files);
    for (const name of names) copyFileSync(join(haproxy.files, name), shop.app.file(`.tidegate/before-${name}`));
    shop.change("src/products.ts", "cents: 379", "cents: 389");
    const release = shop.start(["release", "--yes", "--json"]);
    await untilShare(release, 25, 1, SLOW_MS);
    for (const name of names) copyFileSync(shop.app.file(`.tidegate/before-${name}`), join(haproxy.files, name));
    const killedAt = Date.now();
    await haproxy.kill();
    const againAt = Date.now();
    const map = join(haproxy.files, "shop.production.map");
    await until("25% are given again", async () =>
      /^\S+ route \d+\|2500\|/m.test(await haproxy.command(`show map ${map}`)),
    );
    context.diagnostic(`away for ${againAt - killedAt} ms, put right ${Date.now() - againAt} ms after`);
    const ended = await release.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assertCut(killedAt, againAt);
    await customers.more(30);
    assert.deepEqual(customers.seen.failures, []);
  });

  it("is no reason to take the bad for good, or the good for bad", async () => {
    shop.change(
      "src/products.ts",
      "return found.cents * quantity;",
      `if (product === "soil") throw new TypeError("no price for soil"); return found.cents * quantity;`,
    );
    const release = shop.start(["release", "--yes", "--json"]);
    await untilShare(release, 25, 1, SLOW_MS);
    const killedAt = Date.now();
    await haproxy.kill();
    const againAt = Date.now();
    const ended = await release.ended;
    assert.equal(ended.code, 10, ended.stdout + ended.stderr);
    assert.match(lastStatus(ended).sentence, /errors \d+/);
    assertCut(killedAt, againAt);
    shop.mend();
  });
});

shopCloses(at);
