import { deepEqual, equal } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { deletedWords } from "../../src/core/migration/deleted-rows.ts";
import { until } from "../support/until.ts";
import { databaseUnderTest, faultOf, never, ORDERS, QUICK } from "./stand.ts";

let server: PostgresServer;
before(async () => {
  server = await postgresServer();
});
after(() => server[Symbol.asyncDispose]());

const YEARS = {
  "1_orders.sql": ORDERS,
  "2_rename.sql": "-- phase: contract\n-- migrate:up\nALTER TABLE orders RENAME COLUMN state TO status;",
  "3_index.sql": "-- migrate:up\nCREATE INDEX orders_status ON orders (status);",
};

describe("Migrations of PostgreSQL, by what they take away", () => {
  it("run in the order of their numbers, whatever their phase, where the release began with an empty database", async () => {
    await using app = await databaseUnderTest(server, YEARS, QUICK);
    // What an extension brings is nobody's.
    await app.client.query("CREATE EXTENSION pg_stat_statements");
    const release = { release: 1, phases: ["expand"], wholeIfEmpty: true } as const;
    equal((await app.up({ ...release, dryRun: true })).pendingLater.length, 0);
    // Cut off in the middle, whoever goes on finds tables in it, and knows still that it was empty.
    equal((await app.up({ ...release, atMost: 1 })).applied.length, 1);
    deepEqual(
      (await app.up(release)).applied.map(({ file, phase }) => `${file} ${phase}`),
      ["db/2_rename.sql contract", "db/3_index.sql expand"],
    );
    const [first] = await app.migrations.history({ signal: never() });
    deepEqual([first?.did, first?.note], ["created", "the database held nothing"]);
    app.write("4_drop.sql", "-- phase: contract\n-- migrate:up\nALTER TABLE orders DROP COLUMN status;");
    const later = await app.up({ ...release, release: 2 });
    deepEqual([later.applied, later.pendingLater], [[], ["db/4_drop.sql"]]);
  });

  it("that take away are held back where somebody's tables are there already, and by whoever names the phase", async () => {
    await using app = await databaseUnderTest(server, YEARS, QUICK);
    deepEqual((await app.up({ phases: ["expand"], dryRun: true, atMost: 1 })).pendingLater, ["db/2_rename.sql"]);
    await app.client.query("CREATE VIEW somebody AS SELECT 1 AS one");
    const { applied, pendingLater } = await app.up({ phases: ["expand"], wholeIfEmpty: true, atMost: 1 });
    deepEqual([applied.map(({ file }) => file), pendingLater], [["db/1_orders.sql"], ["db/2_rename.sql"]]);
  });

  it("of a later phase wait for those of the earlier ones, and phases are told apart by what a file takes away", async () => {
    await using app = await databaseUnderTest(server, {
      "1_a.sql": ORDERS,
      "2_b.sql": "ALTER TABLE orders DROP COLUMN state;",
    });
    equal((await faultOf(app.up({ phases: ["contract"] }))).code, "migration-phase-missing");
    const { applied, pendingLater } = await app.up({ phases: ["expand"] });
    deepEqual([applied.length, pendingLater], [1, ["db/2_b.sql"]]);
    equal((await app.up({ phases: ["contract"] })).applied.length, 1);
  });

  it("that empty, rename or revoke are contracts too, unless they have made it themselves, and what is lost is named", async () => {
    await using app = await databaseUnderTest(server, {
      "1_made.sql": "CREATE TABLE a (id int); DELETE FROM a; TRUNCATE a; ALTER TABLE a RENAME TO made;",
      "2_delete.sql": "DELETE FROM orders;",
      "3_some.sql": "DELETE FROM orders WHERE id = 1;",
      "4_truncate.sql": "TRUNCATE orders;",
      "5_rename.sql": "ALTER TABLE orders RENAME COLUMN id TO number;",
      "6_with.sql": "WITH gone AS (DELETE FROM orders RETURNING id) SELECT count(*) FROM gone;",
      "7_true.sql": "DELETE FROM orders WHERE 1 = 1;",
      "8_run.sql": "EXPLAIN ANALYZE DELETE FROM orders; PREPARE p AS DELETE FROM carts; EXECUTE p;",
      "9_shown.sql": "EXPLAIN DELETE FROM orders;",
      "10_owned.sql": "DROP OWNED BY gate;",
      "11_detach.sql": "ALTER TABLE parts DETACH PARTITION parts_2026;",
      "12_helpers.sql":
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT f(); DROP FUNCTION f(); CREATE VIEW v AS SELECT 1; DROP VIEW v; ALTER TABLE orders ADD COLUMN x int; ALTER TABLE orders DROP COLUMN x;",
    });
    const { pending } = await app.migrations.status({ directory: app.directory, signal: never() });
    deepEqual(
      pending.map(({ phase, drops }) => [phase, ...drops]),
      [
        ["expand"],
        ["contract", "the rows of orders"],
        ["expand"],
        ["contract", "the rows of orders"],
        ["contract"],
        ["contract", "the rows of orders"],
        ["contract", "the rows of orders"],
        ["contract", "the rows of orders", "the rows of carts"],
        ["expand"],
        ["contract", "everything of gate"],
        ["contract"],
        ["expand"],
      ],
    );
  });

  it("that give a column other values than are worked out of its own are contracts, and name them as lost", async () => {
    const type = (rest: string): string => `ALTER TABLE public.orders ALTER COLUMN note TYPE ${rest};`;
    await using app = await databaseUnderTest(server, {
      "1_number.sql": type("int USING 0"),
      "2_other.sql": type("int USING total::int"),
      "3_null.sql": type("int USING NULL"),
      "4_cast.sql": type("varchar(20)"),
      "5_using.sql": type("int USING note::int"),
      "6_case.sql": type("int USING CASE WHEN orders.note ~ '^[0-9]+$' THEN length(orders.note) END"),
      "7_row.sql": type("jsonb USING to_jsonb(orders)"),
      "8_star.sql": type("text USING (orders.*)::text"),
      "9_made.sql": "CREATE TABLE a (id int); ALTER TABLE a ALTER COLUMN id TYPE bigint USING 0;",
      "10_added.sql": `ALTER TABLE orders ADD COLUMN x text; ${type("text").replace("note TYPE text", "x TYPE int USING 0")}`,
      "11_inside.sql": `DO $$ BEGIN ${type("int USING 0")} END $$;`,
    });
    const { pending } = await app.migrations.status({ directory: app.directory, signal: never() });
    const lost = ["contract", "the values of public.orders.note"];
    const none = ["expand"];
    deepEqual(
      pending.map(({ phase, drops }) => [phase, ...drops]),
      [lost, lost, lost, none, none, none, none, none, none, none, lost],
    );
  });

  it("that delete every row by a question that each answers are contracts, and those that clean up are not", async () => {
    const merge = (on: string, then: string): string => `MERGE INTO orders USING old ON ${on} ${then};`;
    await using app = await databaseUnderTest(server, {
      "1_merge.sql": merge("true", "WHEN MATCHED THEN DELETE"),
      "2_gone.sql": merge("false", "WHEN NOT MATCHED BY SOURCE THEN DELETE"),
      "3_self.sql": "DELETE FROM orders WHERE id = id;",
      "4_and.sql": "DELETE FROM orders WHERE true AND orders.id = orders.id;",
      "5_by_key.sql": merge("orders.id = old.id", "WHEN MATCHED THEN DELETE"),
      "6_some.sql": merge("true", "WHEN MATCHED AND orders.state = 'x' THEN DELETE"),
      "7_update.sql": merge(
        "true",
        "WHEN MATCHED AND orders.id > 5 THEN UPDATE SET state = 'x' WHEN MATCHED THEN DELETE",
      ),
      "8_added.sql": merge("true", "WHEN NOT MATCHED THEN INSERT VALUES (1)"),
      "9_clean.sql": "DELETE FROM orders WHERE deleted_at IS NOT NULL;",
      "10_both.sql": "DELETE FROM orders USING old WHERE orders.id = old.id;",
      "11_more.sql": "DELETE FROM orders WHERE id = id AND state = 'x';",
    });
    const { pending } = await app.migrations.status({ directory: app.directory, signal: never() });
    const all = ["contract", "the rows of orders"];
    const some = ["expand"];
    deepEqual(
      pending.map(({ phase, drops }) => [phase, ...drops]),
      [all, all, all, all, some, some, some, some, some, some, some],
    );
  });

  it("that take something away in a DO block are contracts too, which say what", async () => {
    await using app = await databaseUnderTest(server, {
      "1_a.sql": "CREATE TABLE a (id int, old int);",
      "2_old.sql": "DO $$ BEGIN IF true THEN ALTER TABLE a DROP COLUMN old; END IF; END $$;",
    });
    await app.up({ phases: ["expand"] });
    const [pending] = (await app.migrations.status({ directory: app.directory, signal: never() })).pending;
    deepEqual([pending?.phase, pending?.drops], ["contract", ["a.old"]]);
    await app.up();
    deepEqual(
      await app.column(
        "SELECT count(*) FROM pg_attribute WHERE attrelid = 'a'::regclass AND attnum > 0 AND NOT attisdropped",
      ),
      ["1"],
    );
  });

  it("say how many rows they have deleted of each table, whatever did it, but for those that they made themselves", async () => {
    await using app = await databaseUnderTest(server, {
      "1_merge.sql":
        "ALTER TABLE customers ADD COLUMN note text; MERGE INTO customers USING (SELECT 1) s ON customers.id % 2 = 0 WHEN MATCHED THEN DELETE;",
      "2_do.sql": "DO $$ BEGIN EXECUTE format('DELETE FROM %I WHERE id = 1', 'customers'); END $$;",
      "3_own.sql": "CREATE TABLE own (id int); INSERT INTO own VALUES (1); DELETE FROM own WHERE id = 1;",
      "4_batch.sql":
        "-- phase: backfill\n-- batch: 1\nDELETE FROM customers WHERE id IN (SELECT id FROM customers WHERE id > 5 LIMIT 1);",
      "5_schema.sql": "ALTER TABLE customers ADD COLUMN more text;",
    });
    await app.client.query(
      `CREATE TABLE customers (id int PRIMARY KEY); CREATE TABLE carts (customer int REFERENCES customers ON DELETE CASCADE);
       INSERT INTO customers SELECT generate_series(1, 10); INSERT INTO carts SELECT generate_series(1, 10)`,
    );
    const { applied } = await app.up();
    const byTable = (deleted: (typeof applied)[number]["deleted"]) =>
      Object.fromEntries((deleted ?? []).map(({ table, rows }) => [table, rows]));
    deepEqual(
      applied.map(({ deleted }) => byTable(deleted)),
      [{ customers: 5, carts: 5 }, { customers: 1, carts: 1 }, {}, { customers: 2, carts: 2 }, {}],
    );
  });

  it("say that every row is gone where a TRUNCATE took them, whatever called it, and not where a table was only written anew", async () => {
    const rows = "SELECT n, 'x' FROM generate_series(1, 5) n";
    await using app = await databaseUnderTest(server, {
      "1_hidden.sql": "DO $$ BEGIN EXECUTE 'TRUNC' || 'ATE events'; END $$;",
      "2_called.sql": `CREATE PROCEDURE w() LANGUAGE sql AS 'TRUNCATE carts'; CALL w(); INSERT INTO carts ${rows};`,
      "3_cascade.sql": "-- phase: contract\nTRUNCATE customers CASCADE;",
      "4_anew.sql": "ALTER TABLE kept ALTER COLUMN n TYPE bigint; SELECT 1;",
      "5_hidden_anew.sql": "DO $$ BEGIN EXECUTE 'ALTER TABLE kept ALTER COLUMN n TYPE numeric'; END $$;",
      "6_empty.sql": "TRUNCATE empty;",
    });
    await app.client.query(
      `CREATE TABLE customers (id int PRIMARY KEY); CREATE TABLE orders (customer int REFERENCES customers); CREATE TABLE empty (n int);
       INSERT INTO customers SELECT generate_series(1, 3); INSERT INTO orders SELECT generate_series(1, 3);`,
    );
    for (const table of ["events", "carts", "kept"]) await app.client.query(`CREATE TABLE ${table} AS ${rows}`);
    const { applied } = await app.other({ lint: "warn" }).up({
      directory: app.directory,
      by: "alice",
      dryRun: false,
      signal: never(),
      release: null,
      phases: ["expand", "contract"],
      tell: () => undefined,
    });
    deepEqual(
      applied.map(({ deleted = [] }) => deleted.map(deletedWords).toSorted()),
      [["every row of events"], ["every row of carts"], ["every row of customers", "every row of orders"], [], [], []],
    );
  });

  it("neither wait for what others have to themselves nor take for their own what others empty meanwhile", async () => {
    await using app = await databaseUnderTest(server, {
      "1_t.sql":
        "CREATE TABLE t AS SELECT 1 AS id; CREATE TABLE staging AS SELECT 1 AS id; CREATE TABLE busy AS SELECT 1 AS id;",
      "2_work.sql": "DO $$ BEGIN DELETE FROM t WHERE id = 1; PERFORM pg_sleep(1); END $$;",
    });
    await app.up({ atMost: 1 });
    const other = await server.session(app.url, "others");
    await other.query("BEGIN; LOCK TABLE busy IN ACCESS EXCLUSIVE MODE");
    const running = app.up();
    const sleeps = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO %' AND state = 'active'";
    await until("it works", async () => (await app.column(sleeps))[0] === "1");
    await app.client.query("TRUNCATE staging");
    const [done] = (await running).applied;
    deepEqual([done?.longestWaitMs, done?.deleted?.map(deletedWords)], [0, ["1 row of t"]]);
    await other.query("ROLLBACK");
    await other.end();
  });
});
