import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { untilShare } from "../e2e/support/release.ts";
import { composeShop, type ComposeShop } from "./support/compose-shop.ts";
import { type ShopCustomers, shopCustomers } from "./support/shop-customers.ts";
import {
  assertTakenOver,
  shopCloses,
  shopGoesBack,
  shopPlan,
  shopReleases,
  type ShopStage,
  SLOW_MS,
} from "./support/shop-releases.ts";

const plan = shopPlan("{ embedded: ${PORT_OF_FRONT_DOOR} }");

let shop: ComposeShop;
let customers: ShopCustomers;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());
const at = (): ShopStage => ({ shop, customers, plan });

before(async () => {
  shop = opened.use(await composeShop(() => plan));
  shop.compose("up", "-d");
});

describe("a compose project that runs already", () => {
  it("is told what is released and what is shared, before anything is changed", async () => {
    const { stdout } = await shop.tidegate(["plan"]);
    const text = stdout.replaceAll(/\s+/g, " ");
    assert.match(text, /web, worker run once for each version/);
    assert.match(text, /postgres, redis are shared by all versions and left as they are, with shop_orders, shop_queue/);
    const doctor = await shop.tidegate(["doctor"]);
    assert.match(doctor.stdout, /✔ docker\s+Docker Engine \S+ at unix:/);
    assert.match(doctor.stdout, /✔ compose\s+docker(?:-| )compose \d/);
    assert.equal(doctor.code, 0, doctor.stdout);
  });

  it("is taken over without a failed request, workers too", async () => {
    await using direct = shopCustomers(shop.published);
    await direct.more(20);
    const release = shop.start(["release", "--adopt", `127.0.0.1:${shop.published}`, "--yes", "--json"]);
    await release.says(
      "the front door leads to it",
      ({ type, key }) => {
        return type === "effect-confirmed" && String(key).endsWith("/take-over");
      },
      60_000,
    );
    customers = opened.use(shopCustomers(shop.app.port));
    await customers.meet("dev");
    await untilShare(release, 100, 1, SLOW_MS);
    const ended = await release.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.deepEqual((await direct.leave()).failures, []);
    await customers.more(50);
    assertTakenOver(at());
  });
});

shopGoesBack(at);
shopReleases(at);
shopCloses(at);
