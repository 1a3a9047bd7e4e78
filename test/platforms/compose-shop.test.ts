import assert from "node:assert/strict";
import { after, before, describe, it, type TestContext } from "node:test";
import type { Status } from "../../src/core/status/status.ts";
import type { Command, Document, Ended } from "../e2e/support/command.ts";
import { assertReplayEquals } from "../e2e/support/journal.ts";
import { faultOf, lastStatus } from "../e2e/support/release.ts";
import { until } from "../support/until.ts";
import { composeShop, type ComposeShop } from "./support/compose-shop.ts";
import { type ShopCustomers, shopCustomers } from "./support/shop-customers.ts";

const PLAN = `
app: shop
services:
  web:
    compose: web
    replicas: 2
    route: /
    health: { ready: /health/ready, every: 500ms, timeout: 2s }
    drain: 5s
  worker: { compose: worker }
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
guards: { errors: { rollback: "> 5%", window: 10s, minRequests: 20, breaches: 1 }, p95: off, restarts: off }
steps:
  - smoke: [GET /health/ready, GET /products]
  - shift: 25%
    for: 4s
  - shift: 100%
    for: 2s
`;

/** Images are built and containers started on a machine that may be busy with other tests. */
const SLOW_MS = 240_000;

const documentsOf = ({ stdout }: Ended): readonly Document[] =>
  stdout
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Document);

const shareOf = async (command: Command, percent: number): Promise<void> => {
  const isShare = ({ type, observed }: Document): boolean =>
    type === "effect-confirmed" && (observed as { sharePercent?: number } | undefined)?.sharePercent === percent;
  await command.says(`${percent}% of the traffic`, isShare, SLOW_MS);
};

let shop: ComposeShop;
let customers: ShopCustomers;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  shop = opened.use(await composeShop(() => PLAN));
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
    await shareOf(release, 100);
    const ended = await release.ended;
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.deepEqual((await direct.leave()).failures, []);
    await customers.more(50);
    assert.deepEqual(customers.seen.failures, []);
    assert.equal(shop.engine.run("ps", "-q", "--filter", "name=shop_worker_1"), "", "one worker at a time");
    assert.notEqual(shop.engine.run("ps", "-q", "--filter", "name=shop_web_1"), "", "it stays as standby");
  });

  it("is gone back to at once, its worker started again", async () => {
    const back = await shop.tidegate(["rollback", "--yes", "--json"]);
    assert.equal(back.code, 0, back.stdout + back.stderr);
    await customers.more(30);
    assert.notEqual(shop.engine.run("ps", "-q", "--filter", "name=shop_worker_1"), "");
    assert.deepEqual(customers.seen.failures, []);
  });
});

describe("releases of the shop under load", () => {
  const releaseWell = async (context: TestContext): Promise<Status> => {
    const ended = await shop.tidegate(["release", "--yes", "--json"]);
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const status = lastStatus(ended);
    context.diagnostic(`deployment without holds ${status.deploymentMs} ms`);
    return status;
  };

  it("a good one", async (context) => {
    const sha = shop.change("src/products.ts", "cents: 349", "cents: 399");
    await releaseWell(context);
    await customers.meet(sha);
    assert.deepEqual(customers.seen.failures, []);
    assert.equal(customers.seen.shopErrors, 0);
  });

  it("a bad one is put back by itself, and costs only its own errors", async () => {
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
    shop.mend();
    await releaseWell(context);
    const back = await shop.tidegate(["rollback", "--yes", "--json"]);
    assert.equal(back.code, 0, back.stdout + back.stderr);
    const [undone] = documentsOf(back).flatMap(({ type, undone }) => (type === "rolled-back" ? [undone] : []));
    context.diagnostic(`undone, after ms: ${JSON.stringify(undone)}`);
    await customers.more(30);
    assert.deepEqual(customers.seen.failures, []);
  });

  it("an engine that is killed in the middle: another goes on", async () => {
    shop.change("src/products.ts", "cents: 899", "cents: 999");
    const release = shop.start(["release", "--yes", "--json"]);
    await shareOf(release, 25);
    release.kill("SIGKILL");
    await customers.more(60);
    const attached = await shop.tidegate(["attach", "--json"]);
    assert.equal(attached.code, 0, attached.stdout + attached.stderr);
    assert.deepEqual(customers.seen.failures, []);
    await assertReplayEquals(shop.app, lastStatus(attached));
  });

  it("a container that is killed costs at most what it had in flight, and comes back", async () => {
    shop.change("src/products.ts", "cents: 999", "cents: 949");
    const release = shop.start(["release", "--yes", "--json"]);
    await shareOf(release, 25);
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
    shop.change("src/products.ts", "cents: 349", "cents: 359");
    shop.app.plan(PLAN.replace("compose: web\n", "compose: web\n    image: 127.0.0.1:1/shop:${version}\n"));
    const ended = await shop.tidegate(["release", "--yes", "--json"]);
    assert.equal(ended.code, 10, ended.stdout + ended.stderr);
    assert.match(ended.stdout, /image-not-pulled/);
    shop.app.plan(PLAN);
    await customers.more(30);
    assert.deepEqual(customers.seen.failures, []);
  });

  it("a container that is healthy and then not is put back", async () => {
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
    await shareOf(release, 25);
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

  it("and no order that was confirmed is lost, and each is packed", async () => {
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

  it("a plan that can't work is refused before it begins", async () => {
    const text = shop.app.file("compose.yaml");
    assert.ok(text.length > 0);
    const refused = await shop.tidegate(["release", "--json"], { env: { DOCKER_HOST: "unix:///nowhere/docker.sock" } });
    assert.equal(refused.code, 3, refused.stdout + refused.stderr);
    assert.match(faultOf(refused).what, /No Docker engine runs here/);
  });

  it("tidegate down leaves the databases, and nothing of its own", async () => {
    await shop.app.end();
    const down = await shop.tidegate(["down", "--yes"]);
    assert.equal(down.code, 0, down.stdout + down.stderr);
    assert.equal(shop.engine.run("ps", "-aq", "--filter", "label=tidegate.app=shop"), "");
    assert.notEqual(shop.engine.run("ps", "-q", "--filter", "name=shop_postgres_1"), "");
    assert.equal(shop.engine.run("network", "ls", "-q", "--filter", "label=tidegate.app=shop"), "");
  });
});
