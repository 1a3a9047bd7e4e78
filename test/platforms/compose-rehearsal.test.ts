import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { Client } from "pg";
import { freePort } from "../../src/adapters/runtime/free-port.ts";
import type { Rehearsal } from "../../src/core/rehearsal/rehearsal.ts";
import type { Document, Ended } from "../e2e/support/command.ts";
import { processesIn } from "../e2e/support/leftovers.ts";
import { until } from "../support/until.ts";
import { composeShop, type ComposeShop } from "./support/compose-shop.ts";
import { SLOW_MS } from "./support/shop-releases.ts";

const PLAN = `
app: shop
services:
  web:
    compose: web
    route: /
    health: { ready: /health/ready, every: 500ms, timeout: 2s }
    drain: 1s
  worker: { compose: worker }
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
database: { url: "\${DATABASE_URL}", migrations: db/migrations }
rehearsal: { requests: orders.jsonl }
guards: { errors: { rollback: '> 20%', window: 10s, minRequests: 10, breaches: 1 }, p95: off }
steps:
  - migrate: expand
  - { shift: 100%, for: 300ms }
  - retire
`;

/** Everything of production's that a second project could get hold of: fixed names, published ports, folders, labels. */
const withTraps = (text: string, port: number, queuePort: number): string =>
  text
    .replaceAll(/interval: \ds/g, "interval: 500ms")
    .replace(
      'volumes: ["queue:/data"]',
      `container_name: shop-queue\n    ports: ["127.0.0.1:${queuePort}:6379"]\n    volumes: ["queue:/data"]`,
    )
    .replace("volumes: { queue: {}, orders: {} }", "volumes: { queue: { name: shop_queue_for_ever }, orders: {} }")
    .replace('volumes: ["orders:', `ports: ["127.0.0.1:${port}:5432"]\n    volumes: ["orders:`)
    .replace(
      "secrets: [receipt_key]",
      'secrets: [receipt_key]\n    volumes: ["./uploads:/app/uploads"]\n    labels: { front: shop }',
    );

const ORDER = JSON.stringify({
  method: "POST",
  path: "/orders",
  headers: { "content-type": "application/json", "idempotency-key": "rehearsed" },
  body: JSON.stringify({ product: "pot", quantity: 2 }),
});

let shop: ComposeShop;
let database: Client;
let env: Readonly<Record<string, string>>;
let stable: string;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

const lines = (...args: readonly string[]): readonly string[] =>
  shop.engine
    .run(...args)
    .split("\n")
    .sort();
const inQueue = (): string => shop.engine.run("exec", "shop-queue", "redis-cli", "LRANGE", "to-pack", "0", "-1");
/** What production is made of, and whatever a rehearsal may have left. */
const world = async (): Promise<unknown> => ({
  containers: lines("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.Names}} {{.Image}} {{.Networks}} {{.Mounts}}"),
  startedAt: lines("inspect", "--format", "{{.Name}} {{.State.StartedAt}} {{.RestartCount}}", ...lines("ps", "-q")),
  networks: lines("network", "ls", "--format", "{{.ID}} {{.Name}}"),
  volumes: lines("volume", "ls", "--format", "{{.Name}}"),
  images: lines("images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}"),
  orders: (await database.query("SELECT * FROM orders ORDER BY id")).rows,
  columns: (await database.query("SELECT column_name FROM information_schema.columns WHERE table_name = 'orders'"))
    .rows,
  databases: (await database.query("SELECT datname FROM pg_database ORDER BY 1")).rows,
  queue: inQueue(),
  uploads: readdirSync(shop.app.file("uploads")),
  worktrees: shop.app.git("worktree", "list", "--porcelain").match(/^worktree .*$/gm),
  processes: processesIn(shop.app.file(".tidegate", "rehearsals")),
  underWay: rehearsalsUnderWay(),
});

const rehearsalOf = ({ stdout }: Ended): Rehearsal =>
  (JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as { readonly rehearsal: Rehearsal }).rehearsal;
const nameOf = (step: unknown): string => (step as { readonly name: string } | undefined)?.name ?? "";
const rehearsedContainers = (): string =>
  shop.engine.run("ps", "-a", "--filter", "name=-rehearsal-", "--format", "{{.Names}}");

before(async () => {
  shop = opened.use(await composeShop(() => PLAN));
  const { app } = shop;
  const port = await freePort(new Set([app.port, shop.published]));
  const queuePort = await freePort(new Set([app.port, shop.published, port]));
  app.write("compose.yaml", withTraps(readFileSync(app.file("compose.yaml"), "utf8"), port, queuePort));
  app.write("orders.jsonl", `${ORDER}\n{"path":"/orders/rehearsed"}\n{"path":"/products"}\n`);
  mkdirSync(app.file("uploads"));
  stable = app.commit("Have a queue, and uploads");
  env = { DATABASE_URL: `postgres://shop@127.0.0.1:${port}/shop` };
  shop.compose("up", "-d");
  shop.compose("stop", "worker");
  database = new Client({ connectionString: env["DATABASE_URL"] });
  const order = { method: "POST", headers: { "idempotency-key": "real" }, body: '{"product":"soil","quantity":1}' };
  const isPlaced = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${shop.published}/orders`, order).then(
      ({ ok }) => ok,
      () => false,
    );
  await until("the shop takes an order", isPlaced, SLOW_MS);
  await database.connect();
  opened.defer(() => database.end());
  const backup = await shop.tidegate(["backup", "--proof", "decode"], { env });
  assert.equal(backup.code, 0, backup.stdout + backup.stderr);
  const sql =
    "-- phase: expand\n-- migrate:up\nALTER TABLE orders ADD COLUMN note text;\n-- migrate:down\nALTER TABLE orders DROP COLUMN note;\n";
  app.write("db/migrations/1_note.sql", sql);
  shop.change("src/web.ts", "The Potting Shed", "The Greenhouse");
});

/** As it was before the first rehearsal. */
let untouched: unknown;

describe("tidegate rehearse, of a compose project", () => {
  it("is told from production by its names, and taken away by `--clean` when it was killed", async () => {
    untouched = await world();
    const killed = shop.start(["rehearse", "--stable", stable, "--json"], { env });
    const isThere = ({ part, step }: Document): boolean => part === "stable" && nameOf(step) === "start";
    await killed.says("the old version is there", isThere, SLOW_MS);
    killed.kill("SIGKILL");
    await killed.ended;
    const left = rehearsedContainers();
    for (const service of ["web", "redis", "postgres"])
      assert.match(left, new RegExp(`^shop-rehearsal-.*${service}`, "m"));
    assert.doesNotMatch(left, /worker/);
    const cleaned = await shop.tidegate(["rehearse", "--clean"], { env });
    assert.equal(cleaned.code, 0, cleaned.stdout + cleaned.stderr);
    assert.match(cleaned.stdout, /was killed; what it left is taken away/);
    assert.deepEqual(await world(), untouched);
  });

  it("runs release, way back and recovery with stores of its own, and leaves nothing behind", async () => {
    const ended = await shop.tidegate(["rehearse", "--stable", stable, "--json"], { env });
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    const { parts, database: copy, rollback, recovery, requests, leftOut } = rehearsalOf(ended);
    const id = copy?.from.kind === "backup" ? copy.from.id : "?";
    assert.deepEqual(
      parts.map(({ name, steps }) => [name, ...steps.map((step) => step.name)].join(", ")),
      [
        `copy, started postgres once more, for the copy alone, restored backup ${id}`,
        "stable, start, shift 100%, retire, answers alone",
        "there-and-back, migrate expand, start, shift 100%, rolled back, answers alone",
        "whole, migrate expand, start, shift 100%, retire",
        `recovery, restored backup ${id}, start, shift 100%, retire, answers alone`,
      ],
    );
    assert.equal(copy?.rows, 1);
    assert.equal(rollback?.schema, "The schema is as it was: 1 migration taken back.");
    assert.equal(recovery?.rows, 1);
    assert.ok(requests.sent > 20);
    assert.deepEqual([requests.failed, requests.appErrors], [0, 0]);
    assert.deepEqual(
      leftOut.map(({ what }) => what),
      ["the worker worker", "what is in redis", "what git does not have of ./uploads"],
    );
    assert.deepEqual(await world(), untouched);
  });
});

function rehearsalsUnderWay(): readonly string[] {
  const folder = shop.app.file(".tidegate", "rehearsals");
  return !existsSync(folder) ? [] : readdirSync(folder).filter((name) => !name.endsWith(".json"));
}
