import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Status } from "../../../src/core/status/status.ts";
import type { Document, Ended } from "../../e2e/support/command.ts";
import { assertReplayEquals } from "../../e2e/support/journal.ts";
import { faultOf, lastStatus, untilShare } from "../../e2e/support/release.ts";
import { until } from "../../support/until.ts";
import type { ComposeShop } from "./compose-shop.ts";
import type { ShopCustomers } from "./shop-customers.ts";

/** The shop, taken over, with customers at whatever divides its traffic. */
export interface ShopStage {
  readonly shop: ComposeShop;
  readonly customers: ShopCustomers;
  /** The plan file's text. */
  readonly plan: string;
}

/** A plan for the shop: a canary of some seconds, then everything. `traffic` is that key's value. */
export function shopPlan(traffic: string): string {
  return `
app: shop
services:
  web:
    compose: web
    replicas: 2
    route: /
    health: { ready: /health/ready, every: 500ms, timeout: 2s }
    drain: 5s
  worker: { compose: worker }
traffic: ${traffic}
guards: { errors: { rollback: "> 5%", window: 10s, minRequests: 20, breaches: 1 }, p95: off, restarts: off }
steps:
  - smoke: [GET /health/ready, GET /products]
  - shift: 25%
    for: 4s
  - shift: 100%
    for: 2s
`;
}

/** Images are built and containers started on a machine that may be busy with other tests. */
export const SLOW_MS = 240_000;

export async function releaseWell({ shop }: ShopStage, context: TestContext): Promise<Status> {
  const ended = await shop.tidegate(["release", "--yes", "--json"]);
  assert.equal(ended.code, 0, ended.stdout + ended.stderr);
  const status = lastStatus(ended);
  context.diagnostic(`deployment without holds ${status.deploymentMs} ms`);
  return status;
}

const documentsOf = ({ stdout }: Ended): readonly Document[] =>
  stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Document);

/** The project that ran is standby behind the first release, its worker stopped, and nobody lost a request. */
export function assertTakenOver({ shop, customers }: ShopStage): void {
  assert.deepEqual(customers.seen.failures, []);
  assert.equal(shop.engine.run("ps", "-q", "--filter", "name=shop_worker_1"), "", "one worker at a time");
  assert.notEqual(shop.engine.run("ps", "-q", "--filter", "name=shop_web_1"), "", "it stays as standby");
}

/** After the take-over: back to the project as it ran. */
export function shopGoesBack(at: () => ShopStage): void {
  it("a compose project that was taken over is gone back to at once, its worker started again", async () => {
    const { shop, customers } = at();
    const back = await shop.tidegate(["rollback", "--yes", "--json"]);
    assert.equal(back.code, 0, back.stdout + back.stderr);
    await customers.more(30);
    assert.notEqual(shop.engine.run("ps", "-q", "--filter", "name=shop_worker_1"), "");
    assert.deepEqual(customers.seen.failures, []);
  });
}

/** Everything that can become of a release of the shop, with customers who lose nothing by it. */
export function shopReleases(at: () => ShopStage): void {
  describe("releases of the shop under load", () => {
    it("a good one", async (context) => {
      const { shop, customers } = at();
      const sha = shop.change("src/products.ts", "cents: 349", "cents: 399");
      await releaseWell(at(), context);
      await customers.meet(sha);
      assert.deepEqual(customers.seen.failures, []);
      assert.equal(customers.seen.shopErrors, 0);
    });

    it("a bad one is put back by itself, and costs only its own errors", async () => {
      const { shop, customers } = at();
      shop.change(
        "src/products.ts",
        "return found.cents * quantity;",
        `if (product === "soil") throw new TypeError("no price for soil"); return found.cents * quantity;`,
      );
      const ended = await shop.tidegate(["release", "--yes", "--json"]);
      assert.equal(ended.code, 10, ended.stdout + ended.stderr);
      const { candidate } = lastStatus(ended);
      await customers.more(30);
      const before = customers.seen.by[candidate.version];
      await customers.more(100);
      assert.equal(customers.seen.by[candidate.version], before, "nobody meets it any more");
      assert.ok(customers.seen.shopErrors > 0);
      assert.deepEqual(customers.seen.failures, []);
    });

    it("rollback to the standby", async (context) => {
      const { shop, customers } = at();
      shop.mend();
      await releaseWell(at(), context);
      const back = await shop.tidegate(["rollback", "--yes", "--json"]);
      assert.equal(back.code, 0, back.stdout + back.stderr);
      const [undone] = documentsOf(back).flatMap(({ type, undone }) => (type === "rolled-back" ? [undone] : []));
      context.diagnostic(`undone, after ms: ${JSON.stringify(undone)}`);
      await customers.more(30);
      assert.deepEqual(customers.seen.failures, []);
    });

    it("an engine that is killed in the middle: another goes on", async () => {
      const { shop, customers } = at();
      shop.change("src/products.ts", "cents: 899", "cents: 999");
      const release = shop.start(["release", "--yes", "--json"]);
      await untilShare(release, 25, 1, SLOW_MS);
      release.kill("SIGKILL");
      await customers.more(60);
      const attached = await shop.tidegate(["attach", "--json"]);
      assert.equal(attached.code, 0, attached.stdout + attached.stderr);
      assert.deepEqual(customers.seen.failures, []);
      await assertReplayEquals(shop.app, lastStatus(attached));
    });

    it("a container that is killed costs at most what it had in flight, and comes back", async () => {
      const { shop, customers } = at();
      shop.change("src/products.ts", "cents: 999", "cents: 949");
      const release = shop.start(["release", "--yes", "--json"]);
      await untilShare(release, 25, 1, SLOW_MS);
      const stable = (await shop.app.status()).stable?.version ?? "";
      const [victim = ""] = shop.engine
        .run("ps", "-q", "--filter", `label=tidegate.version=${stable}`, "--filter", "label=tidegate.service=web")
        .split("\n");
      const name = shop.engine.run("inspect", victim, "--format", '{{index .Config.Labels "tidegate.instance"}}');
      const before = customers.seen.failures.length;
      const killedAt = Date.now();
      shop.engine.run("kill", victim);
      await customers.more(100);
      const failures = customers.seen.failures.slice(before);
      assert.ok(failures.length <= customers.count, JSON.stringify(failures));
      assert.ok(
        failures.every(({ sentAt }) => sentAt <= killedAt + 1_000),
        JSON.stringify(failures),
      );
      await until(
        "it runs again",
        () => shop.engine.run("ps", "-q", "--filter", `label=tidegate.instance=${name}`) !== "",
        60_000,
      );
      const ended = await release.ended;
      assert.equal(ended.code, 0, ended.stdout + ended.stderr);
      customers.seen.failures.length = 0;
    });

    it("an image that can't be fetched ends the release before any traffic", async () => {
      const { shop, customers, plan } = at();
      shop.change("src/products.ts", "cents: 349", "cents: 359");
      shop.app.plan(plan.replace("compose: web\n", "compose: web\n    image: 127.0.0.1:1/shop:${version}\n"));
      const ended = await shop.tidegate(["release", "--yes", "--json"]);
      assert.equal(ended.code, 10, ended.stdout + ended.stderr);
      assert.match(ended.stdout, /image-not-pulled/);
      shop.app.plan(plan);
      await customers.more(30);
      assert.deepEqual(customers.seen.failures, []);
    });

    it("a container that is healthy and then not is put back", async () => {
      const { shop, customers } = at();
      shop.change("src/health.ts", "try {", "if (await isOver()) return false;\n  try {");
      shop.change(
        "src/health.ts",
        "/** Ready is",
        `async function isOver(): Promise<boolean> {
    const { existsSync } = await import("node:fs");
    return existsSync("/tmp/over");
  }

  /** Ready is`,
      );
      const release = shop.start(["release", "--yes", "--json"]);
      await untilShare(release, 25, 1, SLOW_MS);
      const { candidate } = await shop.app.status();
      const labels = [`label=tidegate.version=${candidate.version}`, "label=tidegate.service=web"];
      const filters = labels.flatMap((label) => ["--filter", label]);
      for (const id of shop.engine.run("ps", "-q", ...filters).split("\n"))
        shop.engine.run("exec", id, "/bin/busybox", "mkdir", "-p", "/tmp/over");
      const ended = await release.ended;
      assert.equal(ended.code, 10, ended.stdout + ended.stderr);
      await customers.more(30);
      assert.deepEqual(customers.seen.failures, []);
      shop.mend();
    });

    it("a release that can't work is refused before it begins", async () => {
      const { shop, customers } = at();
      const refused = await shop.tidegate(["release", "--json"], {
        env: { DOCKER_HOST: "unix:///nowhere/docker.sock" },
      });
      assert.equal(refused.code, 3, refused.stdout + refused.stderr);
      assert.match(faultOf(refused).what, /No Docker engine runs here/);
      await customers.more(30);
      assert.deepEqual(customers.seen.failures, []);
    });
  });
}

/** The shop closes: what was promised to customers was kept, and nothing of Tidegate's is left. */
export function shopCloses(at: () => ShopStage): void {
  describe("the shop afterwards", () => {
    it("has lost no order that was confirmed, and each is packed", async () => {
      const { shop, customers } = at();
      const { orders, failures } = await customers.leave();
      assert.deepEqual(failures, []);
      assert.ok(orders.length > 100);
      const ask = (sql: string): string =>
        shop.engine.run("exec", "shop_postgres_1", "psql", "-At", "-U", "shop", "-d", "shop", "-c", sql);
      const kept = new Set(ask("select id from orders").split("\n"));
      assert.deepEqual(
        orders.filter((id) => !kept.has(id)),
        [],
      );
      await until("all are packed", () => ask("select count(*) from orders where packed_by is null") === "0", 60_000);
    });

    it("tidegate down leaves the databases, and nothing of its own", async () => {
      const { shop } = at();
      await shop.app.end();
      const down = await shop.tidegate(["down", "--yes"]);
      assert.equal(down.code, 0, down.stdout + down.stderr);
      assert.equal(shop.engine.run("ps", "-aq", "--filter", "label=tidegate.app=shop"), "");
      assert.notEqual(shop.engine.run("ps", "-q", "--filter", "name=shop_postgres_1"), "");
      assert.equal(shop.engine.run("network", "ls", "-q", "--filter", "label=tidegate.app=shop"), "");
    });
  });
}
