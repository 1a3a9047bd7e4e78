import assert from "node:assert/strict";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { until } from "../support/until.ts";
import { createApp, type App } from "./support/app.ts";

const PLAN = `
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 1s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
database:
  url: sqlite:data/shop.db
  migrations: db/migrations
steps: [{ migrate: expand }, { shift: 100%, for: 300ms }]
`;

let app: App;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

before(async () => {
  app = opened.use(await createApp());
  app.plan(PLAN);
  app.write("db/migrations/1_orders.sql", "-- migrate:up\nCREATE TABLE orders (id int);\n");
  app.version({ name: "v1" });
});

describe("an app with a file of SQLite", () => {
  it("is not ready to release while the folder of its database is missing, and no release says that it changed it", async () => {
    const doctor = await app.tidegate(["doctor"]);
    assert.equal(doctor.code, 3, doctor.stdout);
    assert.match(doctor.stdout.replaceAll(/\s+/g, " "), /There is no folder \S*data for the database/);
    const released = await app.tidegate(["release", "--yes", "--json"]);
    assert.equal(released.code === 0, false);
    assert.doesNotMatch(released.stdout, /stays expanded/);
    assert.equal(existsSync(join(app.folder, "data")), false);
  });

  it("is released once who has all of the file locked is done, and says meanwhile that it waits", async () => {
    mkdirSync(join(app.folder, "data"));
    using other = new DatabaseSync(join(app.folder, "data", "shop.db"));
    other.exec("CREATE TABLE held (n int); BEGIN EXCLUSIVE");
    const release = app.start(["release", "--yes", "--json"]);
    await until("it waits", async () => /Waiting for the lock/.test((await app.status()).current?.seen ?? ""), 20_000);
    other.exec("COMMIT");
    const { code, stdout, stderr } = await release.ended;
    assert.equal(code, 0, stdout + stderr);
  });

  it("is brought back only once nobody runs who may open it, whom it names", async () => {
    assert.equal((await app.tidegate(["backup"])).code, 0);

    const file = join(app.folder, "data", "shop.db");
    writeFileSync(file, "no database any more ".repeat(100));
    const dry = await app.tidegate(["restore", "newest", "--dry-run"]);
    assert.equal(dry.code, 0, dry.stderr);
    assert.match(dry.stdout.replaceAll(/\s+/g, " "), /can't be read .* web\S* runs here and may open it at any time/);
    const refused = await app.tidegate(["restore", "newest", "--yes"]);
    assert.equal(refused.code, 3, refused.stdout);
    assert.match(refused.stderr, /cause +web/);

    assert.equal((await app.tidegate(["down", "--yes"])).code, 0);
    const restored = await app.tidegate(["restore", "newest", "--yes"]);
    assert.equal(restored.code, 0, restored.stderr);
    using database = new DatabaseSync(file);
    assert.deepEqual(
      database
        .prepare("SELECT version FROM schema_migrations")
        .all()
        .map(({ version }) => version),
      ["1"],
    );
  });
});
