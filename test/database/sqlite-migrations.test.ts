import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { describe, it } from "node:test";
import { splitStatements } from "../../src/migrations/sql/split-sqlite.ts";
import type { UpRequest } from "../../src/ports/migrations.ts";
import { until } from "../support/until.ts";
import { sqliteUnderTest } from "./sqlite-stand.ts";
import { faultOf, never } from "./stand.ts";

const ORDERS = "-- migrate:up\nCREATE TABLE orders (id int, state text);\n-- migrate:down\nDROP TABLE orders;\n";

describe("SQL of SQLite", () => {
  it("is divided at its semicolons, and not in strings, names, comments and triggers", () => {
    const trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT CASE WHEN 1 THEN 2 END; SELECT ';'; END";
    deepEqual(
      splitStatements(`-- ; one\nSELECT ';' , "a;b", [c;d] /* ; */;;\n${trigger};\nSELECT 2`).map(({ sql }) => sql),
      [`SELECT ';' , "a;b", [c;d] /* ; */`, trigger, "SELECT 2"],
    );
  });
});

describe("Migrations of SQLite", () => {
  it("are applied in order and whole or not at all, and edited ones refused", async () => {
    await using app = sqliteUnderTest({
      "9_a.sql": ORDERS,
      "10_b.sql": "ALTER TABLE orders ADD COLUMN note text; CREATE TABEL x (id int);",
    });
    const fault = await faultOf(app.up({ release: 3 }));
    deepEqual(
      [fault.code, fault.where, fault.cause],
      ["migration-failed", "db/10_b.sql:1", 'near "TABEL": syntax error'],
    );
    deepEqual(app.column("SELECT version FROM schema_migrations"), ["9"]);
    deepEqual(app.column("SELECT name FROM pragma_table_info('orders')"), ["id", "state"]);
    app.write("10_b.sql", "ALTER TABLE orders ADD COLUMN note text;");
    equal((await app.up()).applied.length, 1);
    app.write("9_a.sql", ORDERS.replace("state text", "state int"));
    equal((await faultOf(app.up())).code, "migration-edited");
    deepEqual(
      (await app.migrations.history({ signal: never() })).map(({ did, version }) => `${did} ${version}`),
      ["up 9", "failed 10", "up 10"],
    );
  });

  it("run in the order of their numbers, whatever their phase, where the release began with an empty file", async () => {
    await using app = sqliteUnderTest({
      "1_a.sql": ORDERS,
      "2_b.sql": "-- phase: contract\n-- migrate:up\nALTER TABLE orders RENAME COLUMN state TO status;",
      "3_c.sql": "CREATE INDEX orders_status ON orders (status);",
    });
    const release = { phases: ["expand"], wholeIfEmpty: true } as const;
    equal((await app.up({ ...release, release: 1, atMost: 1 })).applied.length, 1);
    equal((await app.up({ ...release, release: 1 })).applied.length, 2);
    app.write("4_d.sql", "-- phase: contract\n-- migrate:up\nALTER TABLE orders DROP COLUMN status;");
    deepEqual((await app.up({ ...release, release: 2 })).pendingLater, ["db/4_d.sql"]);
  });

  it("are tried in a dry run that leaves not even a file", async () => {
    await using app = sqliteUnderTest({
      "1_a.sql": ORDERS,
      "2_b.sql":
        "INSERT INTO orders VALUES (1, 'new'), (2, 'old'); ALTER TABLE orders DROP COLUMN state; WITH w AS (SELECT 1) DELETE FROM orders WHERE id IN w;",
    });
    const { applied } = await app.up({ dryRun: true });
    // DDL changes no rows, whatever the statement before it has changed.
    deepEqual(
      applied.map(({ tried = [] }) => tried.map(({ rows }) => rows)),
      [[null], [2, null, 1]],
    );
    deepEqual((await app.migrations.status({ directory: app.folder, signal: never() })).pending.length, 2);
    await app.up();
    equal((await faultOf(app.down({ steps: 1 }, { dryRun: true }))).code, "migration-irreversible");
  });

  it("make a table anew with keys that point at it, and refuse what breaks a key", async () => {
    const anew = (rows: string): string =>
      `CREATE TABLE o2 (id int PRIMARY KEY, note text); INSERT INTO o2 SELECT id, 'x' FROM o ${rows}; DROP TABLE o; ALTER TABLE o2 RENAME TO o;`;
    await using app = sqliteUnderTest({
      "1_a.sql":
        "CREATE TABLE o (id int PRIMARY KEY); CREATE TABLE l (o int REFERENCES o ON DELETE CASCADE); INSERT INTO o VALUES (1), (2); INSERT INTO l VALUES (1), (2);",
      "2_b.sql": anew("WHERE id = 1"),
    });
    const broken = await faultOf(app.up());
    match(broken.cause ?? "", /1 rows point at rows that are not there any more/);
    equal(broken.isBeforehand, true);
    app.write("2_b.sql", anew(""));
    await app.up();
    deepEqual(app.column("SELECT o FROM l"), [1, 2]);
  });

  it("go back when nothing is lost, else say what would be", async () => {
    await using app = sqliteUnderTest({
      "1_a.sql": ORDERS,
      "2_b.sql":
        "-- migrate:up\nALTER TABLE orders ADD COLUMN note text DEFAULT 'none';\n-- migrate:down\nALTER TABLE orders DROP COLUMN note;",
    });
    await app.up({ release: 4 });
    app.run("INSERT INTO orders (id) VALUES (1), (2)");
    const { reversed, kept } = await app.down({ release: 4 });
    deepEqual(
      [reversed.map(({ file }) => file), kept],
      [["db/2_b.sql"], [{ file: "db/1_a.sql", why: "Its way back drops table orders with 2 rows (line 4)." }]],
    );
    await app.up({ release: 5 });
    app.run("UPDATE orders SET note = 'x' WHERE id = 1");
    deepEqual((await faultOf(app.down({ steps: 1 }))).detail, [
      "db/2_b.sql:4 drops column orders.note, which 1 of 2 rows have a value in",
    ]);
    equal((await faultOf(app.down({ steps: 3 }, { acceptLoss: true }))).code, "migration-not-applied");
    equal((await app.down({ steps: 2 }, { acceptLoss: true })).reversed.length, 2);
  });

  it("lose nothing by a SELECT on their way back", async () => {
    await using app = sqliteUnderTest({ "1_a.sql": "-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 1;\n" });
    await app.up();
    const { reversed } = await app.down({ steps: 1 }, { dryRun: true });
    deepEqual(
      reversed.map(({ lost }) => lost),
      [[]],
    );
  });

  it("fill rows in batches, and assert what the team says afterwards", async () => {
    const assertions = [
      { name: "all filled", sql: "SELECT count(*) = 0 FROM t WHERE x IS NULL" },
      { name: "few", sql: "SELECT count(*) < 5 FROM t" },
    ];
    await using app = sqliteUnderTest(
      {
        "1_fill.sql":
          "-- phase: backfill\n-- batch: 4\nUPDATE t SET x = id WHERE id IN (SELECT id FROM t WHERE x IS NULL LIMIT 4);",
      },
      { assertions },
    );
    app.run(
      "CREATE TABLE t (id int, x int); WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 10) INSERT INTO t SELECT n, NULL FROM c",
    );
    deepEqual((await faultOf(app.up())).detail, ["few: it gives 0"]);
    deepEqual(app.column("SELECT count(*) FROM t WHERE x IS NULL"), [0]);
  });

  it("that fill rows are counted on by whoever goes on after a stop, and shown by their rows until they are done", async () => {
    await using app = sqliteUnderTest({
      "1_t.sql": "CREATE TABLE t (n int); INSERT INTO t VALUES (1), (1), (1), (1), (1)",
      "2_fill.sql":
        "-- phase: backfill\n-- batch: 2\nUPDATE t SET n = 2 WHERE rowid IN (SELECT rowid FROM t WHERE n = 1 LIMIT 2);",
    });
    await app.up({ atMost: 1 });
    // As a ledger of before was.
    app.run("ALTER TABLE tidegate_migrations DROP COLUMN batch_rows");
    const stop = new AbortController();
    const sums: number[] = [];
    const tell: UpRequest["tell"] = (each) => {
      if (each.kind === "batch") sums.push(each.sum);
      if (each.kind === "batch" && each.sum === 2) stop.abort();
    };
    await rejects(app.up({ tell, signal: stop.signal }));
    const [pending] = (await app.migrations.status({ directory: app.folder, signal: never() })).pending;
    deepEqual([pending?.reached, pending?.batchRows], [0, 2]);
    await app.up({ tell });
    deepEqual(sums, [2, 4, 5]);
  });

  it("that fill the same rows again and again are stopped once the table has no more", async () => {
    const fill = (sql: string): string => `-- phase: backfill\n-- batch: 10\n${sql};`;
    await using app = sqliteUnderTest({ "1_fill.sql": fill("UPDATE t SET n = n") });
    app.run("CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2)");
    for (const sql of ["UPDATE t SET n = n", "INSERT INTO t SELECT n FROM t", "SELECT 1"]) {
      app.write("1_fill.sql", fill(sql));
      const endless = await faultOf(app.up());
      deepEqual([endless.code, endless.where], ["migration-endless", "db/1_fill.sql:3"]);
    }
    app.write("1_fill.sql", fill("UPDATE t SET n = n WHERE n > 0"));
    const fault = await faultOf(app.up());
    match(fault.what, /the 4 rows that its batches have changed stay changed/);
    deepEqual([fault.code, fault.where], ["migration-failed", "db/1_fill.sql:3"]);
    match(fault.cause ?? "", /^it changed 4 rows, and the table has 2: it finds the same rows again/);
  });

  it("that add rows without end are stopped once what they read makes no more", async () => {
    const fill = (sql: string): string => `-- phase: backfill\n-- batch: 10\n${sql};`;
    await using app = sqliteUnderTest({
      "1_fill.sql": fill("INSERT INTO t SELECT n + 1 FROM t WHERE n < 1000000 LIMIT 10"),
    });
    app.run(
      "CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2); CREATE TABLE s (n int); INSERT INTO s VALUES (1), (2), (3)",
    );
    const fault = await faultOf(app.up());
    deepEqual([fault.code, fault.where], ["migration-failed", "db/1_fill.sql:3"]);
    match(fault.cause ?? "", /^it added \d+ rows, and what it reads makes 2 at most: /);
    app.run("DELETE FROM t");
    app.write(
      "1_fill.sql",
      fill("INSERT INTO t SELECT s.n FROM s JOIN s AS more ON more.n = s.n WHERE s.n > 0 LIMIT 10"),
    );
    match((await faultOf(app.up())).cause ?? "", /what it reads makes 9 at most/);
    app.run("DELETE FROM t");
    for (const from of [
      "s WHERE n NOT IN (SELECT n FROM t)",
      "s, json_each('[7, 8, 9]') AS j WHERE j.value + s.n * 10 NOT IN (SELECT n FROM t)",
    ]) {
      app.write(
        "1_fill.sql",
        fill(`INSERT INTO t SELECT ${from.startsWith("s,") ? "j.value + s.n * 10" : "n"} FROM ${from} LIMIT 1`),
      );
      equal((await app.up()).applied.length, 1);
      app.run("DELETE FROM schema_migrations; DELETE FROM tidegate_migrations");
    }
    deepEqual(app.column("SELECT count(*) FROM t"), [12]);
  });

  it("that delete every row of a table are contracts, and name them as lost", async () => {
    await using app = sqliteUnderTest({
      "1_delete.sql": 'DELETE FROM "t";',
      "2_some.sql": "DELETE FROM t WHERE n = 1;",
      "3_made.sql": "CREATE TABLE b (n int); DELETE FROM b;",
      "4_true.sql": "DELETE FROM t WHERE 1 = 1;",
      "5_self.sql": "DELETE FROM t WHERE t.n = t.n;",
      "6_clean.sql": "DELETE FROM t WHERE n IS NOT NULL;",
      "7_more.sql": "DELETE FROM t WHERE n = n AND n > 5;",
    });
    app.run("CREATE TABLE t (n int)");
    const { pending } = await app.migrations.status({ directory: app.folder, signal: never() });
    deepEqual(
      pending.map(({ phase, drops }) => [phase, ...drops]),
      [
        ["contract", "the rows of t"],
        ["expand"],
        ["expand"],
        ["contract", "the rows of t"],
        ["contract", "the rows of t"],
        ["expand"],
        ["expand"],
      ],
    );
  });

  it("that were changed far behind the beginning of a long line are told with the place where they part", async () => {
    const made = (last: string): string =>
      `CREATE TABLE t (${Array.from({ length: 12 }, (_, at) => `column_${at} int`).join(", ")}, ${last} int);`;
    await using app = sqliteUnderTest({ "1_a.sql": made("first") });
    await app.up();
    app.write("1_a.sql", made("second"));
    const { problems } = await app.migrations.status({ directory: app.folder, signal: never() });
    equal(
      problems[0]?.where,
      "db/1_a.sql:1 · applied: `…n_10 int, column_11 int, first int);` · now: `…n_10 int, column_11 int, second int);`",
    );
  });

  it("with a phase or way back that there is not are refused with their line, as long as they are not applied", async () => {
    await using app = sqliteUnderTest({ "1_a.sql": "-- phase: expnad\nCREATE TABLE t (n int);" });
    const fault = await faultOf(app.up());
    deepEqual([fault.code, fault.where], ["migration-header-misspelt", "db/1_a.sql:1"]);
    match(fault.what, /There is no phase `expnad`: expand, backfill or contract\. Nothing was run\./);
    app.write("1_a.sql", "CREATE TABLE t (n int);\n-- reversible: losy\n");
    const other = await faultOf(app.up());
    deepEqual([other.where, /it is yes, lossy or no/.test(other.what)], ["db/1_a.sql:2", true]);
    for (const text of ["--- phase: contract", "SELECT 1; -- batch: 100", "SELECT 1;\n-- batch: 100"]) {
      app.write("1_a.sql", `CREATE TABLE t (n int);\n${text}\n`);
      const { code, where } = await faultOf(app.up());
      deepEqual([code, where], ["migration-header-misspelt", `db/1_a.sql:${text.split("\n").length + 1}`]);
    }
    app.write("1_a.sql", "-- phase: EXPAND: it adds a table\nCREATE TABLE t (n int);");
    equal((await app.up()).applied.length, 1);
  });

  it("of which a part would never run are refused with its line, as long as they are not applied", async () => {
    await using app = sqliteUnderTest({ "1_a.sql": ORDERS });
    await app.up();
    const file = (text: string) => app.write("2_b.sql", text);
    for (const [text, where] of [
      [`${ORDERS}-- migrate:up\nCREATE TABLE carts (id int);\n`, "db/2_b.sql:5"],
      ["CREATE TABLE carts (id int);\n-- migrate:up\nSELECT 1;", "db/2_b.sql:1"],
      ["-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n-- migrate:down\nSELECT 3;", "db/2_b.sql:5"],
    ] as const) {
      file(text);
      const fault = await faultOf(app.up());
      deepEqual([fault.code, fault.where], ["migration-never-runs", where]);
      const { problems } = await app.migrations.status({ directory: app.folder, signal: never() });
      deepEqual(
        problems.map((each) => each.where),
        [where],
      );
    }
    app.run("INSERT INTO schema_migrations VALUES ('2')");
    deepEqual((await app.migrations.status({ directory: app.folder, signal: never() })).problems, []);
    equal((await app.up()).applied.length, 0);
  });

  it("are refused where an assertion could not be asked afterwards", async () => {
    const assertions = [{ name: "no negative price", sql: "SELECT count(*) = 0 FROM items WHERE price < 0" }];
    await using app = sqliteUnderTest(
      { "1_a.sql": "-- phase: contract\nALTER TABLE items DROP COLUMN price;" },
      { assertions },
    );
    app.run("CREATE TABLE items (id int, price int)");
    const [problem] = (await app.migrations.status({ directory: app.folder, signal: never() })).problems;
    match(problem?.what ?? "", /takes away items\.price, and the assertion "no negative price"/);
    equal((await faultOf(app.up())).code, "migration-assertion-lost");
    deepEqual(app.column("SELECT count(*) FROM pragma_table_info('items')"), [2]);
  });

  it("are run by one at a time, wait for other writers, and go on after kill -9", async () => {
    const slow =
      "SELECT count(*) FROM (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < (SELECT n FROM long)) SELECT n FROM c);";
    await using app = sqliteUnderTest({
      "1_a.sql": `-- migrate:up transaction:false\nINSERT INTO seen VALUES (1);\n${slow}\nINSERT INTO seen VALUES (2);\nVACUUM;`,
    });
    app.run("CREATE TABLE seen (n int); CREATE TABLE long (n int); INSERT INTO long VALUES (2000000000)");
    const child = spawn(
      process.execPath,
      [fileURLToPath(new URL("../../src/main.ts", import.meta.url)), "migrate", "up", "--folder", "db"],
      { cwd: app.folder, env: { ...process.env, DATABASE_URL: `sqlite:${app.path}` }, stdio: "ignore" },
    );
    const ended = once(child, "exit");
    try {
      await until(
        "it is in the middle",
        () => {
          try {
            return app.column("SELECT reached FROM tidegate_migrations")[0] === 1;
          } catch {
            return false;
          }
        },
        20_000,
      );
      const { lock } = await app.migrations.status({ directory: app.folder, signal: never() });
      equal(lock?.pid, child.pid);
    } finally {
      child.kill("SIGKILL");
      await ended;
    }
    app.run("UPDATE long SET n = 1");
    equal((await app.up()).applied.length, 1);
    deepEqual(app.column("SELECT n FROM seen"), [1, 2]);

    using writer = new DatabaseSync(app.path);
    app.write("2_b.sql", "CREATE TABLE b (id int);");
    writer.exec("BEGIN IMMEDIATE; INSERT INTO seen VALUES (3)");
    const running = app.up();
    writer.exec("COMMIT");
    equal((await running).applied.length, 1);
  });
});
