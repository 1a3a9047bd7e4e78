import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { UpRequest } from "../../src/ports/migrations.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { until } from "../support/until.ts";
import { databaseUnderTest, faultOf, never } from "./stand.ts";

let server: PostgresServer;
before(async () => {
  server = await postgresServer();
});
after(() => server[Symbol.asyncDispose]());

const ORDERS =
  "-- migrate:up\nCREATE TABLE orders (id int PRIMARY KEY, state text);\n-- migrate:down\nDROP TABLE orders;\n";
const YEARS = {
  "1_orders.sql": ORDERS,
  "2_rename.sql": "-- phase: contract\n-- migrate:up\nALTER TABLE orders RENAME COLUMN state TO status;",
  "3_index.sql": "-- migrate:up\nCREATE INDEX orders_status ON orders (status);",
};
const QUICK = { patience: { boundMs: 1_000, otherRunMs: 0, lagMs: 10_000, lockTimeoutMs: 100 } };

describe("Migrations of PostgreSQL", () => {
  it("are applied in the order of their versions, written down, and not applied again", async () => {
    await using app = await databaseUnderTest(server, {
      "10_second.sql": "-- migrate:up\nALTER TABLE orders ADD COLUMN note text;",
      "9_first.sql": ORDERS,
    });
    const { applied, already } = await app.up({ release: 7 });
    deepEqual(
      applied.map(({ file, phase, statements }) => [file, phase, statements]),
      [
        ["db/9_first.sql", "expand", 1],
        ["db/10_second.sql", "expand", 1],
      ],
    );
    equal(already, 0);
    deepEqual(await app.column("SELECT version FROM schema_migrations ORDER BY length(version)"), ["9", "10"]);
    deepEqual((await app.up()).applied, []);
    const history = await app.migrations.history({ signal: never() });
    deepEqual(
      history.map(({ did, version, release, by }) => [did, version, release, by]),
      [
        ["created", "10", 7, "alice"],
        ["up", "9", 7, "alice"],
        ["up", "10", 7, "alice"],
      ],
    );
  });

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

  it("of another tool are taken over from its schema_migrations, and seen from then on when they change", async () => {
    await using app = await databaseUnderTest(server, {
      "1_init.sql": ORDERS,
      "2_note.sql": "ALTER TABLE orders ADD note text;",
    });
    await app.client.query(
      "CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY); INSERT INTO schema_migrations VALUES ('1'); CREATE TABLE orders (id int)",
    );
    deepEqual(
      (await app.up()).applied.map(({ version }) => version),
      ["2"],
    );
    app.write("1_init.sql", ORDERS.replace("state text", "state int"));
    const fault = await faultOf(app.up());
    equal(fault.code, "migration-edited");
    equal(
      fault.where,
      "db/1_init.sql:2 · applied: `CREATE TABLE orders (id int PRIMARY KEY, state text);` · now: `CREATE TABLE orders (id int PRIMARY KEY, state int);`",
    );
  });

  it("in a transaction are done whole or not at all, and the place of what failed is told", async () => {
    await using app = await databaseUnderTest(server, {
      "1_bad.sql": "-- migrate:up\nCREATE TABLE a (id int);\nCREATE TABLE b (\n  id int,\n  x nonsense);\n",
    });
    const fault = await faultOf(app.up());
    deepEqual(
      [fault.code, fault.what, fault.where, fault.cause],
      [
        "migration-failed",
        "db/1_bad.sql failed; nothing of it was done.",
        "db/1_bad.sql:5",
        'type "nonsense" does not exist',
      ],
    );
    equal(fault.isBeforehand, true);
    deepEqual(await app.column("SELECT relname FROM pg_class WHERE relname IN ('a', 'b')"), []);
    app.write("1_bad.sql", "CREATE TABLE a (id int);");
    equal((await app.up()).applied.length, 1);
    deepEqual(
      (await app.migrations.history({ signal: never() })).map(({ did }) => did),
      ["created", "failed", "up"],
    );
  });

  it("outside of a transaction go on where they failed; what is done may not be changed, what is not may", async () => {
    const one = "-- migrate:up transaction:false\nCREATE TABLE a (id int);\nINSERT INTO a VALUES (1);\n";
    await using app = await databaseUnderTest(server, {
      "1_parts.sql": `${one}CREATE INDEX CONCURRENTLY x ON a (nonsense);`,
    });
    const fault = await faultOf(app.up());
    equal(fault.what, "db/1_parts.sql failed; its first 2 statements are done and stay, and it goes on from there.");
    const [pending] = (await app.migrations.status({ directory: app.directory, signal: never() })).pending;
    deepEqual([pending?.reached, pending?.statements], [2, 3]);
    app.write("1_parts.sql", one.replace("VALUES (1)", "VALUES (2)"));
    equal((await faultOf(app.up())).code, "migration-edited");
    app.write("1_parts.sql", `${one}CREATE INDEX CONCURRENTLY x ON a (id);\nVACUUM a;`);
    await app.up();
    deepEqual(await app.column("SELECT id FROM a"), ["1"]);
    deepEqual(await app.column("SELECT indisvalid FROM pg_index WHERE indexrelid = 'x'::regclass"), ["true"]);
  });

  it("drop the INVALID index that a failed CREATE INDEX CONCURRENTLY has left, and build it again", async () => {
    await using app = await databaseUnderTest(server, {
      "1_index.sql": "-- migrate:up transaction:false\nCREATE UNIQUE INDEX CONCURRENTLY u ON a (id);",
    });
    await app.client.query("CREATE TABLE a (id int); INSERT INTO a VALUES (1), (1)");
    const fault = await faultOf(app.up());
    match(fault.cause ?? "", /could not create unique index/);
    deepEqual(await app.column("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), ["0"], "nothing is left");
    // As if it had been left by somebody's own attempt.
    await app.client.query("CREATE UNIQUE INDEX CONCURRENTLY u ON a (id)").catch(() => undefined);
    deepEqual(await app.column("SELECT count(*) FROM pg_index WHERE NOT indisvalid"), ["1"]);
    await app.client.query("DELETE FROM a WHERE ctid = '(0,1)'");
    await app.up();
    deepEqual(await app.column("SELECT indisvalid FROM pg_index WHERE indexrelid = 'u'::regclass"), ["true"]);
  });

  it("are refused before anything runs: missing after a contract, out of order, psql's commands, COPY, own transactions, no UTF-8", async () => {
    const codeOf = async (
      files: Record<string, string | Buffer>,
      first: Record<string, string> = {},
    ): Promise<string> => {
      await using app = await databaseUnderTest(server, first);
      if (Object.keys(first).length > 0) await app.up();
      for (const name of Object.keys(first)) if (!(name in files)) app.remove(name);
      for (const [name, text] of Object.entries(files)) app.write(name, text as string);
      return (await faultOf(app.up())).code;
    };
    const taken = { "1_a.sql": ORDERS, "2_b.sql": "-- phase: contract\n-- migrate:up\nDROP TABLE orders;" };
    equal(await codeOf({ "1_a.sql": ORDERS, "3_c.sql": "SELECT 1;" }, taken), "migration-missing");
    equal(await codeOf({ "1_a.sql": ORDERS, "2_b.sql": ORDERS }, { "2_b.sql": ORDERS }), "migration-out-of-order");
    equal(await codeOf({ "1_a.sql": "\\i other.sql\n" }), "migration-psql-command");
    equal(await codeOf({ "1_a.sql": "COPY a FROM stdin;\n1\n\\.\n" }), "migration-copy-from-stdin");
    equal(await codeOf({ "1_a.sql": "SELECT 1; COMMIT;" }), "migration-own-transaction");
    equal(
      await codeOf({ "1_a.sql": "-- migrate:up transaction:false\nBEGIN;\nSELECT 1;\nBEGIN;\nSELECT 2;\nCOMMIT;" }),
      "migration-own-transaction",
    );
    equal(await codeOf({ "1_a.sql": "VACUUM;" }), "migration-lint");
    equal(await codeOf({ "1_a.sql": "CREATE TABEL a (id int);" }), "migration-unreadable");
    equal(await codeOf({ "1_a.sql": Buffer.from("-- caf\xe9\nSELECT 1;", "latin1") }), "migration-not-utf8");
    equal(await codeOf({ "1_a.sql": "-- phase: contarct\nSELECT 1;" }), "migration-header-misspelt");
    equal(await codeOf({ "a.sql": "SELECT 1;" }), "migration-name-invalid");
    equal(await codeOf({ "1_a.sql": "SELECT 1;", "1_b.sql": "SELECT 1;" }), "migration-version-twice");
    equal(
      await codeOf({ "1_a.sql": "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY ON a (id);" }),
      "migration-unnamed-index",
    );
  });

  it("may have dollar quotes, umlauts and a thousand statements", async () => {
    const many = Array.from({ length: 1000 }, (_, index) => `INSERT INTO t VALUES (${index}, 'ä;ö');`).join("\n");
    await using app = await databaseUnderTest(server, {
      "1_many.sql": `CREATE TABLE t (id int, x text);\nDO $tag$ BEGIN PERFORM ';'; END $tag$;\n${many}`,
    });
    equal((await app.up()).applied[0]?.statements, 1002);
    deepEqual(await app.column("SELECT count(*) FROM t WHERE x = 'ä;ö'"), ["1000"]);
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

  it("that would fill rows for ever are refused where the text shows it, and end where the rows do, saying what is done", async () => {
    const fill = (sql: string): string => `-- phase: backfill\n-- batch: 30\n${sql};`;
    await using app = await databaseUnderTest(server, {
      "1_fill.sql": fill("INSERT INTO u SELECT id FROM t LIMIT 30"),
    });
    await app.client.query(
      "CREATE TABLE t (id int); CREATE TABLE u (id int); INSERT INTO t SELECT generate_series(1, 100)",
    );
    const refused = await faultOf(app.up());
    deepEqual([refused.code, refused.where], ["migration-endless", "db/1_fill.sql:3"]);
    app.write("1_fill.sql", fill("SELECT fill(30)"));
    equal((await faultOf(app.up())).code, "migration-endless");
    app.write("1_fill.sql", fill("INSERT INTO u SELECT id FROM t WHERE id > 0 LIMIT 30"));
    const fault = await faultOf(app.up());
    equal(fault.code, "migration-failed");
    equal(fault.isBeforehand, undefined);
    match(fault.what, /failed; the 120 rows that its batches have changed stay changed, and it goes on from there\.$/);
    match(
      fault.cause ?? "",
      /^it added or changed 120 rows, and what it reads makes 100 at most: it finds the same rows again/,
    );
    deepEqual(await app.column("SELECT count(*) FROM u"), ["120"]);
    app.write("1_fill.sql", fill("INSERT INTO u SELECT id FROM t WHERE id NOT IN (SELECT id FROM u) LIMIT 30"));
    await app.client.query("TRUNCATE u");
    await app.up();
    deepEqual(await app.column("SELECT count(*) FROM u"), ["100"]);
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

  it("fill rows in batches until none is left, and refuse one that is no batch", async () => {
    const fill = (batch: number, limit: string): string =>
      `-- phase: backfill\n-- batch: ${batch}\nUPDATE t SET x = id WHERE id IN (SELECT id FROM t WHERE x IS NULL${limit});`;
    await using app = await databaseUnderTest(server, { "1_fill.sql": fill(30, "") });
    await app.client.query("CREATE TABLE t (id int, x int); INSERT INTO t SELECT generate_series(1, 100)");
    match((await faultOf(app.up())).cause ?? "", /it changed 100 rows at once, and `-- batch: 30` allows 30/);
    deepEqual(await app.column("SELECT count(*) FROM t WHERE x IS NULL"), ["100"]);
    app.write("1_fill.sql", fill(30, " LIMIT 30"));
    await app.up();
    deepEqual(await app.column("SELECT count(*) FROM t WHERE x IS NULL"), ["0"]);
    deepEqual(
      app.told.flatMap((each) => (each.kind === "batch" ? [each.sum] : [])),
      [30, 60, 90, 100],
    );
  });

  it("that fill rows are counted on by whoever goes on after a stop, and shown by their rows until they are done", async () => {
    await using app = await databaseUnderTest(server, {
      "1_t.sql": "CREATE TABLE t (id int, x int); INSERT INTO t SELECT generate_series(1, 100);",
      "2_fill.sql":
        "-- phase: backfill\n-- migrate:up\nSELECT 1;\n-- batch: 30\nUPDATE t SET x = id WHERE id IN (SELECT id FROM t WHERE x IS NULL LIMIT 30);",
    });
    await app.up({ atMost: 1 });
    // As a ledger of before was.
    await app.client.query("ALTER TABLE tidegate_migrations DROP COLUMN batch_rows");
    const status = async () => (await app.migrations.status({ directory: app.directory, signal: never() })).pending[0];
    equal((await status())?.reached, null);
    const stop = new AbortController();
    const sums: number[] = [];
    const tell: UpRequest["tell"] = (each) => {
      if (each.kind === "batch") sums.push(each.sum);
      if (each.kind === "batch" && each.sum === 60) stop.abort();
    };
    await rejects(app.up({ tell, signal: stop.signal }));
    const { reached, batchRows, statements } = (await status()) ?? {};
    deepEqual([reached, batchRows, statements], [1, 60, 2]);
    await app.up({ tell });
    deepEqual(sums, [30, 60, 90, 100]);
  });

  it("that fill the same rows again and again are stopped once the table has no more, as a fault with its line", async () => {
    const fill = "-- phase: backfill\n-- batch: 100\nUPDATE t SET x = 3 WHERE id > 0;";
    await using app = await databaseUnderTest(server, { "1_fill.sql": fill });
    await app.client.query("CREATE TABLE t (id int, x int); INSERT INTO t SELECT generate_series(1, 60); ANALYZE t");
    const fault = await faultOf(app.up());
    deepEqual([fault.code, fault.where], ["migration-failed", "db/1_fill.sql:3"]);
    match(fault.cause ?? "", /^it changed 120 rows, and the table has 60: it finds the same rows again/);
    app.write("1_fill.sql", fill.replace("id > 0", "x IS DISTINCT FROM 4").replace("x = 3", "x = 4"));
    equal((await app.up()).applied.length, 1);
  });

  it("of which two run at once are applied by exactly one, and the other is told by whom", async () => {
    await using app = await databaseUnderTest(
      server,
      { "1_slow.sql": "CREATE TABLE s (id int); SELECT pg_sleep(0.7);" },
      QUICK,
    );
    const first = app.up();
    await until(
      "the first has the lock",
      async () => (await app.migrations.status({ directory: app.directory, signal: never() })).lock !== null,
    );
    const fault = await faultOf(app.up({ by: "bob" }));
    equal(fault.code, "migration-locked");
    match(fault.where ?? "", /^tidegate migrate up \(alice\) \(process \d+ of the server, since /);
    equal((await first).applied.length, 1);
  });

  it("keep nobody waiting while they wait: readers go on, and who is in the way is told", async () => {
    await using app = await databaseUnderTest(server, { "1_a.sql": "ALTER TABLE orders ADD COLUMN note text;" });
    await app.client.query("CREATE TABLE orders (id int)");
    const reader = await server.session(app.url, "report");
    await reader.query("BEGIN; SELECT count(*) FROM orders");
    const running = app.up();
    await until("it says who is in the way", () => app.told.some(({ kind }) => kind === "blocked"));
    await app.client.query("SET lock_timeout = '10s'; SELECT count(*) FROM orders");
    await reader.query("COMMIT");
    equal((await running).applied.length, 1);
    const blocked = app.told.find((each) => each.kind === "blocked");
    match(blocked?.what ?? "", /^report \(process \d+\) has orders in a transaction for \S+, and does nothing$/);
    await reader.end();
  });

  it("that never get their lock end with nothing done, and say who was in the way", async () => {
    await using app = await databaseUnderTest(server, { "1_a.sql": "ALTER TABLE orders ADD COLUMN note text;" }, QUICK);
    await app.client.query("CREATE TABLE orders (id int)");
    const reader = await server.session(app.url, "report");
    await reader.query("BEGIN; SELECT count(*) FROM orders");
    const fault = await faultOf(app.up());
    equal(fault.code, "migration-blocked");
    equal(fault.what, "db/1_a.sql did not get its locks within 1.0s; nothing of it was done.".replace("1.0s", "1s"));
    equal(fault.isBeforehand, true);
    match(fault.detail?.[0] ?? "", /^report \(process \d+\) has orders/);
    await reader.end();
    equal((await app.up()).applied.length, 1);
  });

  it("are stopped by whoever asked for them, in the middle of a statement too", async () => {
    await using app = await databaseUnderTest(server, {
      "1_slow.sql": "CREATE TABLE s (id int); SELECT pg_sleep(60);",
    });
    const stop = new AbortController();
    const running = app.up({ signal: stop.signal }).catch((error: unknown) => error);
    await until(
      "it sleeps",
      async () =>
        (
          await app.column(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'",
          )
        )[0] === "1",
    );
    stop.abort(new Error("enough"));
    equal(((await running) as Error).message, "enough");
    deepEqual(await app.column("SELECT relname FROM pg_class WHERE relname = 's'"), []);
  });

  it("are tried for real in a dry run that leaves nothing, with locks and tables written anew", async () => {
    await using app = await databaseUnderTest(server, {
      "1_a.sql":
        "ALTER TABLE orders ADD COLUMN note text;\nALTER TABLE orders ALTER COLUMN id TYPE bigint;\nINSERT INTO orders VALUES (1), (2);",
      "2_b.sql": "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY x ON orders (note);",
    });
    await app.client.query("CREATE TABLE orders (id int)");
    const { applied } = await app.up({ dryRun: true });
    deepEqual(
      applied.flatMap(({ tried = [] }) =>
        tried.map(({ line, locks, rewritten, rows, note }) => [line, locks, rewritten, rows, note?.slice(0, 9)]),
      ),
      [
        [1, ["ACCESS EXCLUSIVE on orders"], [], null, undefined],
        [2, [], ["orders"], null, undefined],
        [3, [], [], 2, undefined],
        [2, [], [], null, "not tried"],
      ],
    );
    deepEqual(
      await app.column(
        "SELECT count(*) FROM pg_class WHERE relname IN ('x', 'schema_migrations', 'tidegate_migrations')",
      ),
      ["0"],
    );
    match(
      (await faultOf((app.write("1_a.sql", "ALTER TABLE orders ADD COLUMN note nonsense;"), app.up({ dryRun: true }))))
        .cause ?? "",
      /nonsense/,
    );
  });

  it("are followed by assertions, which say what they found", async () => {
    const assertions = [
      { name: "holds", sql: "SELECT true" },
      { name: "no order is lost", sql: "SELECT count(*) FROM orders" },
    ];
    await using app = await databaseUnderTest(server, { "1_a.sql": ORDERS }, { assertions });
    const fault = await faultOf(app.up());
    deepEqual([fault.code, fault.detail], ["database-assertion-failed", ["no order is lost: it gives 0"]]);
    equal((await app.migrations.status({ directory: app.directory, signal: never() })).applied.length, 1);
  });

  it("are refused before anything runs where an assertion could not be asked afterwards, and say so where that is found late", async () => {
    const assertions = [{ name: "no negative price", sql: "SELECT count(*) = 0 FROM items WHERE price < 0" }];
    const items = "CREATE TABLE items (price int, cents int);";
    await using app = await databaseUnderTest(server, { "1_a.sql": items }, { assertions });
    await app.up();
    app.write(
      "2_swap.sql",
      "-- phase: contract\nCREATE TABLE new (price int);\nDROP TABLE items;\nALTER TABLE new RENAME TO items;",
    );
    const status = () => app.migrations.status({ directory: app.directory, signal: never() });
    deepEqual((await status()).problems, []);
    app.write(
      "2_swap.sql",
      "-- phase: contract\n-- tidegate:allow ban-drop-column because nobody uses it\nALTER TABLE items DROP COLUMN price;",
    );
    const [problem] = (await status()).problems;
    equal(problem?.where, "db/2_swap.sql:3");
    equal(
      problem?.what,
      'db/2_swap.sql takes away items.price, and the assertion "no negative price" asks for it: it could not be asked afterwards.',
    );
    const refused = await faultOf(app.up());
    equal(refused.code, "migration-assertion-lost");
    match(refused.what, /could not be asked afterwards\. Nothing was run\.$/);
    match(refused.fix ?? "", /^change "no negative price" in the plan file/);
    deepEqual(await app.column("SELECT count(*) FROM information_schema.columns WHERE table_name = 'items'"), ["2"]);
    deepEqual((await app.up({ phases: ["expand"] })).applied, []);

    // Its text does not say what it takes away: that is found before it is committed, where it is in a transaction.
    const drop = "DO $$ BEGIN EXECUTE format('ALTER TABLE %I DROP COLUMN price', 'items'); END $$;";
    app.write("2_swap.sql", `-- phase: contract\n${drop}`);
    const taken = await faultOf(app.up());
    deepEqual([taken.code, taken.isBeforehand], ["migration-assertion-lost", true]);
    equal(taken.cause, 'column "price" does not exist');
    match(taken.what, /takes away what the assertion "no negative price" asks for; nothing of it was done\.$/);
    deepEqual(await app.column("SELECT count(*) FROM information_schema.columns WHERE table_name = 'items'"), ["2"]);

    app.write("2_swap.sql", `-- phase: contract\n-- migrate:up transaction:false\n${drop}`);
    const late = await faultOf(app.up());
    equal(late.what, 'After migrating: assertion "no negative price" can\'t be asked: column "price" does not exist.');
  });

  it("that a database has already are marked, and none of them is run", async () => {
    await using app = await databaseUnderTest(server, { "1_a.sql": ORDERS, "2_b.sql": "CREATE TABLE b (id int);" });
    const marked = await app.migrations.baseline({
      directory: app.directory,
      signal: never(),
      by: "alice",
      version: "1",
    });
    deepEqual(marked, { marked: ["db/1_a.sql"] });
    deepEqual(
      (await app.up()).applied.map(({ version }) => version),
      ["2"],
    );
  });

  it("may set whatever they like for their session: the next file and the ledger don't feel it", async () => {
    await using app = await databaseUnderTest(server, {
      "1_a.sql":
        "CREATE SCHEMA shop; SET search_path = shop; CREATE TABLE a (id int); SELECT pg_catalog.set_config('search_path', '', false);",
      "2_b.sql": "CREATE TABLE b (id int);",
    });
    equal((await app.up()).applied.length, 2);
    deepEqual(
      await app.column(
        "SELECT n.nspname || '.' || relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE relname IN ('a', 'b') ORDER BY 1",
      ),
      ["public.b", "shop.a"],
    );
    ok((await app.column("SELECT version FROM public.schema_migrations")).length === 2);
    app.write(
      "3_c.sql",
      "-- migrate:up transaction:false\nSET search_path = shop;\nCREATE TABLE c (id int);\nALTER TABLE c ADD x nonsense;",
    );
    await faultOf(app.up());
    app.write(
      "3_c.sql",
      "-- migrate:up transaction:false\nSET search_path = shop;\nCREATE TABLE c (id int);\nCREATE INDEX CONCURRENTLY i ON c (id);",
    );
    await app.up();
    deepEqual(await app.column("SELECT to_regclass('shop.i')"), ["shop.i"]);
  });
});
