import { deepEqual, equal, match } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { createPostgresMigrations } from "../../src/adapters/database/postgres/migrations.ts";
import { watchQueries } from "../../src/adapters/database/postgres/replay/on-copy.ts";
import { backupsOf, going } from "../backup/stand.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { type DatabaseUnderTest, databaseUnderTest, faultOf } from "./stand.ts";

let server: PostgresServer;
before(async () => {
  server = await postgresServer(["fsync=off", "shared_preload_libraries=pg_stat_statements"]);
});
after(() => server[Symbol.asyncDispose]());

const INIT = `-- migrate:up
CREATE TABLE customers (id int PRIMARY KEY, email text, note text, CONSTRAINT customers_email UNIQUE (email));
CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY, customer int REFERENCES customers, total int CHECK (total > 0), tags text[], at timestamptz);`;
const ROWS = `INSERT INTO customers SELECT n, n || '@x', 'n' FROM generate_series(1, 50) n;
  INSERT INTO orders (customer, total, tags, at) SELECT n, 5, '{a,b}', now() FROM generate_series(1, 50) n`;
const UPSERT = "INSERT INTO customers (id, email) VALUES (7, '7@x') ON CONFLICT (email) DO UPDATE SET note = 'again'";
const DROP =
  "-- phase: expand\n-- migrate:up\nALTER TABLE customers DROP CONSTRAINT customers_email;\n-- migrate:down\nALTER TABLE customers ADD CONSTRAINT customers_email UNIQUE (email);";
const MUST =
  "-- phase: expand\n-- migrate:up\nALTER TABLE orders ADD COLUMN currency text;\nUPDATE orders SET currency = 'EUR';\nALTER TABLE orders ALTER COLUMN currency SET NOT NULL;\n-- migrate:down\nALTER TABLE orders DROP COLUMN currency;";

async function shop(queries?: string): Promise<DatabaseUnderTest> {
  const app = await databaseUnderTest(
    server,
    { "1_init.sql": INIT },
    queries === undefined ? {} : { queries: "queries.sql" },
  );
  if (queries !== undefined) writeFileSync(join(app.directory, "queries.sql"), queries);
  await app.up();
  await app.client.query(ROWS);
  return app;
}

const brokenIn = (queries: Awaited<ReturnType<DatabaseUnderTest["up"]>>["queries"]) =>
  queries?.broken.map(({ query, file, why }) => `${query} · ${file} · ${why}`);

describe("The queries of the version that serves", () => {
  it("are asked again in a dry run, from a file, and what breaks is named with the migration; nothing of it stays", async () => {
    await using app =
      await shop(`-- name: sign up\n${UPSERT};\n-- name: order\nINSERT INTO orders (customer, total) VALUES (1, 5);
-- name: twice\nINSERT INTO customers (id) VALUES (1);\n-- name: clear\nDELETE FROM orders;
-- name: jump\nSELECT setval('orders_id_seq', 9000);\n-- name: note\nSELECT note FROM customers;`);
    app.write("2_drop.sql", DROP);
    app.write("3_must.sql", MUST);
    app.write("4_note.sql", "-- phase: contract\n-- migrate:up\nALTER TABLE customers DROP COLUMN note;");
    const { queries } = await app.up({ dryRun: true });
    deepEqual(brokenIn(queries), [
      "sign up · db/2_drop.sql · there is no unique or exclusion constraint matching the ON CONFLICT specification",
      'order · db/3_must.sql · null value in column "currency" of relation "orders" violates not-null constraint',
    ]);
    equal(queries?.tried, 4, "a contract may take away what the old version needs");
    deepEqual(
      queries?.failedBefore.map(({ query }) => query),
      ["twice"],
    );
    match(queries?.notTried.map(({ query, why }) => `${query}: ${why}`).join() ?? "", /^jump: it calls setval/);
    deepEqual(await app.column("SELECT count(*) FROM orders"), ["50"]);
    deepEqual(await app.column("SELECT count(*) FROM customers WHERE note = 'again'"), ["0"]);
  });

  it("are asked with values of rows that are there, where the server has seen them without", async () => {
    await using app = await shop();
    await app.client.query("CREATE EXTENSION pg_stat_statements");
    await app.client.query("SELECT pg_stat_statements_reset()");
    for (const sql of [
      UPSERT,
      "INSERT INTO customers (id, email) VALUES (1000, 'new@x')",
      "INSERT INTO orders (customer, total, tags) VALUES (3, 9, '{x}')",
      "SELECT * FROM orders o JOIN customers c ON c.id = o.customer WHERE o.total > 1 AND o.tags && '{a}'::text[] LIMIT 3 OFFSET 1",
      "SELECT date_trunc('day', at), extract(epoch FROM at) FROM orders WHERE at > now() - interval '1 day'",
      "UPDATE orders SET total = total + 1 WHERE id IN (1, 2)",
      "WITH gone AS (DELETE FROM orders WHERE id = 5 RETURNING id) SELECT count(*) FROM gone",
    ])
      await app.client.query(sql);
    app.write("2_drop.sql", DROP);
    app.write("3_must.sql", MUST);
    const { queries } = await app.up({ dryRun: true });
    deepEqual([queries?.tried, queries?.failedBefore, queries?.notTried], [7, [], []]);
    deepEqual(queries?.broken.map(({ query, file }) => `${query.slice(0, 22)} ${file}`).toSorted(), [
      "INSERT INTO customers  db/2_drop.sql",
      "INSERT INTO orders (cu db/3_must.sql",
    ]);
  });

  it("fail a drill in which they break, unless the file allows it, or the plan only warns", async () => {
    await using app = await shop();
    await using folder = temporaryFolder();
    writeFileSync(join(app.directory, "queries.sql"), `-- name: sign up\n${UPSERT};\nSELECT 1;`);
    const database = { url: app.url, values: () => ({}), redact: (text: string) => text };
    const drilled = (broken: "refuse" | "warn" = "refuse") =>
      backupsOf({
        url: app.url,
        folder: folder.path,
        more: {
          migrating: (copy) => createPostgresMigrations({ ...copy, folder: "db", assertions: [], lint: "warn" }),
          watching: watchQueries(database, "queries.sql"),
          broken,
        },
      }).make({ proof: "drill", release: null, by: "ann", directory: app.directory, ...going() });
    app.write("2_drop.sql", DROP);
    const fault = await faultOf(drilled());
    equal(fault.code, "drill-breaks-queries");
    deepEqual(fault.detail, [
      "sign up: there is no unique or exclusion constraint matching the ON CONFLICT specification (after db/2_drop.sql, expand)",
    ]);
    const told = (await drilled("warn")).record.proof?.drill;
    deepEqual([told?.queries?.tried, told?.queries?.broken.length, told?.applied], [2, 1, ["db/2_drop.sql"]]);
    app.write(
      "2_drop.sql",
      DROP.replace("ALTER", "-- tidegate:allow dropping-constraint because sign-up is closed\nALTER"),
    );
    const allowed = (await drilled()).record.proof?.drill;
    deepEqual(
      allowed?.queries?.broken.map(({ isAllowed }) => isAllowed),
      [true],
    );
    app.write("2_drop.sql", DROP.replace("expand", "contract"));
    const contract = (await drilled()).record.proof?.drill;
    deepEqual(
      [contract?.queries?.broken, contract?.applied, contract?.reversed],
      [[], ["db/2_drop.sql"], ["db/2_drop.sql"]],
    );
  });
});
