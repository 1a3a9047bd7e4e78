import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { deletedWords } from "../../src/core/migration/deleted-rows.ts";
import type { UpRequest } from "../../src/ports/migrations.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { databaseUnderTest, faultOf, never } from "./stand.ts";

let server: PostgresServer;
before(async () => {
  server = await postgresServer();
});
after(() => server[Symbol.asyncDispose]());

describe("Migrations of PostgreSQL, as backfills", () => {
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

  it("that delete rows say how many in all, also what they had deleted before they were cut off", async () => {
    const batches = "-- batch: 20\nDELETE FROM t WHERE id IN (SELECT id FROM t WHERE id <= 50 LIMIT 20);";
    const table = "CREATE TABLE t AS SELECT generate_series(1, 100) AS id; CREATE TABLE u AS TABLE t;";
    const afterCutOff = async (file: string): Promise<readonly string[]> => {
      await using app = await databaseUnderTest(server, { "1_t.sql": table, "2_less.sql": file });
      await app.up({ atMost: 1 });
      const stop = new AbortController();
      await rejects(app.up({ signal: stop.signal, tell: ({ kind }) => kind === "batch" && stop.abort() }));
      return (await app.up()).applied.flatMap(({ deleted = [] }) => deleted.map(deletedWords));
    };
    deepEqual(await afterCutOff(batches), ["50 rows of t"]);
    const behindAnother = `-- migrate:up\nDELETE FROM u WHERE id <= 10;\n${batches}\nDELETE FROM u WHERE id <= 13;`;
    deepEqual(await afterCutOff(behindAnother), ["at least 50 rows of t", "at least 3 rows of u"]);

    await using app = await databaseUnderTest(server, {
      "1_t.sql": table,
      "2_less.sql": batches.replace("id <= 50", "1 / (70 - id) IS NOT NULL"),
    });
    const fault = await faultOf(app.up());
    match(
      fault.what,
      /^db\/2_less\.sql failed; the \d+ rows that its batches have deleted stay deleted, and it goes on from there\.$/,
    );
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
});
