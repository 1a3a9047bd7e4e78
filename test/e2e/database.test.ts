import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import type { Client } from "pg";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { until } from "../support/until.ts";
import { type App, createApp, type RunOptions } from "./support/app.ts";
import { assertReplayEquals, ofType } from "./support/journal.ts";
import { faultOf, lastStatus } from "./support/release.ts";
import { visit, type Visitors } from "./support/visitors.ts";

const PLAN = `
app: shop
services:
  web:
    run: node server.js
    health: { ready: /health, every: 1s, timeout: 1s }
    drain: 1s
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
database:
  url: "\${DATABASE_URL}"
  migrations: db/migrations
  assertions: { every order has a number: SELECT count(*) = 0 FROM orders WHERE number IS NULL }
guards: { errors: { rollback: '> 20%', window: 10s, minRequests: 10, breaches: 1 }, p95: off }
steps:
  - backup: restore
  - migrate: expand
  - shift: 50%
    for: 2s
  - shift: 100%
    for: 300ms
  - retire
  - migrate: contract
`;

let server: PostgresServer;
let database: Client;
let app: App;
let people: Visitors;
let options: RunOptions;
const opened = new AsyncDisposableStack();
after(() => opened.disposeAsync());

const migration = (file: string, up: string, down: string, phase = "expand"): void =>
  app.write(`db/migrations/${file}`, `-- phase: ${phase}\n-- migrate:up\n${up}\n-- migrate:down\n${down}\n`);

const columns = async (): Promise<readonly string[]> => {
  const { rows } = await database.query<{ column_name: string }>(
    "SELECT column_name FROM information_schema.columns WHERE table_name = 'orders' ORDER BY ordinal_position",
  );
  return rows.map(({ column_name }) => column_name);
};

before(async () => {
  server = opened.use(await postgresServer());
  const url = await server.database("shop");
  database = await server.session(url);
  app = opened.use(await createApp());
  options = { env: { DATABASE_URL: url } };
  app.plan(PLAN);
  migration("1_orders.sql", "CREATE TABLE orders (number int, old text);", "DROP TABLE orders;");
  app.version({ name: "v0" });
  const first = await app.tidegate(["release", "--json", "--yes"], options);
  assert.equal(first.code, 0, first.stdout + first.stderr);
  await database.query("INSERT INTO orders SELECT n, 'old' FROM generate_series(1, 100) n");
  people = opened.use(visit(app.port));
});

describe("a release with migrations", () => {
  it("backs up, expands before the new version serves, and contracts once the old one is gone; nobody is dropped", async () => {
    migration("2_note.sql", "ALTER TABLE orders ADD COLUMN note text;", "ALTER TABLE orders DROP COLUMN note;");
    migration(
      "3_old.sql",
      "ALTER TABLE orders DROP COLUMN old;",
      "ALTER TABLE orders ADD COLUMN old text;",
      "contract",
    );
    app.version({ name: "v1" });
    const visits = people.since()();
    const ended = await app.tidegate(["release", "--json"], options);
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.deepEqual(await columns(), ["number", "note"]);
    assert.deepEqual(visits.failures, []);
    const events = await assertReplayEquals(app, lastStatus(ended));
    const done = ofType(events, "effect-confirmed").map(({ key }) => key.split("/").slice(1).join("/"));
    const at = (part: string): number => done.findIndex((key) => key.includes(part));
    assert.ok(at("backup") < at("migrate-expand"), done.join("\n"));
    assert.ok(at("migrate-expand/1/migrate") < at("start/1/start"), done.join("\n"));
    assert.ok(at("stop-standby") < at("migrate-contract/1/migrate"), done.join("\n"));
    assert.ok(readdirSync(app.file(".tidegate", "backups")).length >= 2, "a backup and what is known of it");
  });

  it("does not go back past the contract step, and says what remains", async () => {
    const asked = await app.tidegate(["rollback", "--yes", "--json"], options);
    assert.equal(asked.code, 3, asked.stdout + asked.stderr);
    const { code, what, fix } = faultOf(asked);
    assert.equal(code, "no-way-back");
    assert.match(
      what,
      /^The contract step has begun, and what .* needs of the database may be gone: this was the point of no return\.$/,
    );
    assert.match(fix ?? "", /tidegate release VERSION; or .*: tidegate restore/);
    assert.match((await app.status()).rollbackWould ?? "", /^Not possible: /);
  });

  it("takes the schema back with a version that is worse, and says so", async () => {
    migration("4_more.sql", "ALTER TABLE orders ADD COLUMN more int;", "ALTER TABLE orders DROP COLUMN more;");
    app.version({ name: "v2", fails: 0.9 });
    const ended = await app.tidegate(["release", "--json"], options);
    assert.equal(ended.code, 10, ended.stdout + ended.stderr);
    assert.deepEqual(await columns(), ["number", "note"]);
    assert.match(ended.stdout, /The schema is as it was: 1 migration taken back\./);
  });

  it("leaves what somebody has written to, and says what would be lost", async () => {
    migration("4_more.sql", "ALTER TABLE orders ADD COLUMN kept int;", "ALTER TABLE orders DROP COLUMN kept;");
    app.version({ name: "v3" });
    const reader = await server.session(server.url("shop"), "reports");
    await reader.query("BEGIN; SELECT count(*) FROM orders");
    const release = app.start(["release", "--json"], options);
    const waits = async (): Promise<string> => (await app.status()).current?.seen ?? "";
    await until("it says who is in the way", async () =>
      /waits, and keeps nobody waiting: .*reports/.test(await waits()),
    );
    await reader.query("COMMIT");
    await until(
      "the new version serves",
      async () => (await columns()).includes("kept") && (await app.plane()).table?.share === 5_000,
    );
    // It stays at this step for as long as it is looked at.
    assert.equal((await app.tidegate(["pause", "--yes"], options)).code, 0);
    const dry = await app.tidegate(["restore", "newest", "--dry-run"], options);
    assert.match(
      dry.stdout.replaceAll(/\s+/g, " "),
      /Release 4 of \w+ runs, and is at the step "shift 50%"\. What it has migrated \(db\/migrations\/4_more\.sql\) goes, and the schema will be behind what a version that serves needs\. Roll it back first: tidegate rollback 4/,
    );
    const asked = await app.tidegate(["restore", "newest", "--dry-run", "--json"], options);
    const { running } = JSON.parse(asked.stdout) as { readonly running: Record<string, unknown> };
    assert.deepEqual(
      [running["release"], running["step"], running["migrated"]],
      [4, "shift 50%", ["db/migrations/4_more.sql"]],
    );
    await database.query("UPDATE orders SET kept = 1 WHERE number = 1");
    const back = await app.tidegate(["rollback", "--yes", "--json", "--reason", "odd"], options);
    assert.equal(back.code, 0, back.stdout + back.stderr);
    assert.equal((await release.ended).code, 10);
    assert.deepEqual(await columns(), ["number", "note", "kept"]);
    const { rollback } = lastStatus(back);
    assert.match(
      rollback?.schema ?? "",
      /1 migration left, expanded: db\/migrations\/4_more\.sql: Its way back drops column orders\.kept, which 1 of 100 rows have a value in/,
    );
  });

  it("is looked at by the doctor before: what is pending, and what it could be brought back from", async () => {
    const { stdout } = await app.tidegate(["doctor", "--json"], options);
    const { findings } = JSON.parse(stdout) as { readonly findings: readonly { name: string; sentence: string }[] };
    const said = (name: string): string => findings.find((each) => each.name === name)?.sentence ?? "";
    assert.equal(said("migrations"), "4 applied, 0 pending here");
    assert.match(said("backups"), /^the newest is .* old, proven by restoring it$/);
  });

  it("does not begin where a migration would break the version that serves, which the plan says beforehand", async () => {
    migration("5_drop.sql", "ALTER TABLE orders DROP COLUMN note;", "ALTER TABLE orders ADD COLUMN note text;");
    app.version({ name: "v4" });
    const { stdout } = await app.tidegate(["plan", "--json"], options);
    const { schema, warnings } = JSON.parse(stdout) as {
      readonly schema: { readonly pending: readonly { readonly file: string; readonly phase: string }[] };
      readonly warnings: readonly string[];
    };
    assert.deepEqual(
      schema.pending.map(({ file, phase }) => [file, phase]),
      [["db/migrations/5_drop.sql", "expand"]],
    );
    assert.match(
      warnings.join("\n"),
      /would be refused when it migrates\. db\/migrations\/5_drop\.sql:3 ban-drop-column: /,
    );
    const refused = await app.tidegate(["release", "--json"], options);
    assert.deepEqual([refused.code, faultOf(refused).code], [3, "migration-lint"], refused.stdout + refused.stderr);
    rmSync(app.file("db/migrations/5_drop.sql"));
  });

  it("does not begin where no step runs a backfill that a contract comes after; plan and doctor say what to add", async () => {
    migration("5_fill.sql", "UPDATE orders SET note = 'n' WHERE note IS NULL;", "SELECT 1;", "backfill");
    migration(
      "6_drop.sql",
      "ALTER TABLE orders DROP COLUMN kept;",
      "ALTER TABLE orders ADD COLUMN kept int;",
      "contract",
    );
    app.version({ name: "v4b" });
    const expected =
      /5_fill\.sql \(backfill\) is pending, and no step runs it before db\/migrations\/6_drop\.sql \(contract\)/;
    const refused = await app.tidegate(["release", "--json"], options);
    assert.equal(refused.code, 3, refused.stdout + refused.stderr);
    const { code, what, fix } = faultOf(refused);
    assert.equal(code, "migration-phase-missing");
    assert.match(what, expected);
    assert.match(fix ?? "", /add `- migrate: backfill`/);
    assert.match((await app.tidegate(["plan", "--json"], options)).stdout, expected);
    assert.match((await app.tidegate(["doctor", "--json"], options)).stdout, expected);
    rmSync(app.file("db/migrations/5_fill.sql"));
    rmSync(app.file("db/migrations/6_drop.sql"));
  });

  it("can be rolled back while its contract waits for its locks, also when its engine was killed then", async () => {
    const [last = "more"] = (await columns()).slice(-1);
    migration("6_gone.sql", `ALTER TABLE orders DROP COLUMN ${last};`, "SELECT 1;", "contract");
    app.version({ name: "v6" });
    const reader = await server.session(server.url("shop"), "reports");
    await reader.query("BEGIN; SELECT count(*) FROM orders");
    const release = app.start(["release", "--json"], options);
    const waits = async (): Promise<boolean> => /6_gone\.sql:3 waits/.test((await app.status()).current?.seen ?? "");
    await until("the contract waits", waits, 40_000);
    const { canRollBack, rollbackWould } = await app.status();
    assert.equal(canRollBack, true);
    assert.match(rollbackWould ?? "", /was retired: starts it again/);
    release.kill("SIGKILL");
    await release.ended;
    const back = await app.tidegate(["rollback", "--yes", "--json"], options);
    assert.equal(back.code, 0, back.stdout + back.stderr);
    assert.equal(lastStatus(back).state, "rolled-back");
    await reader.query("COMMIT");
    assert.ok((await columns()).includes(last), "nothing was taken away");
    await reader.end();
    assert.deepEqual(people.visits.failures, []);
    rmSync(app.file("db/migrations/6_gone.sql"));
  });

  it("goes on with a migration in which its engine was killed, once", async () => {
    migration(
      "5_slow.sql",
      "CREATE TABLE slow (n int); INSERT INTO slow VALUES (1); SELECT pg_sleep(2);",
      "DROP TABLE slow;",
    );
    app.version({ name: "v5" });
    const release = app.start(["release", "--json"], options);
    const sleeps = async (): Promise<boolean> =>
      (
        await database.query(
          "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(2)%' AND pid <> pg_backend_pid()",
        )
      ).rows.length > 0;
    await until("it migrates", sleeps);
    release.kill("SIGKILL");
    const ended = await app.tidegate(["attach", "--json"], options);
    assert.equal(ended.code, 0, ended.stdout + ended.stderr);
    assert.deepEqual((await database.query("SELECT n FROM slow")).rows, [{ n: 1 }]);
    assert.deepEqual(people.visits.failures, []);
  });
});
