import { deepEqual, equal, match } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { databaseUnderTest, faultOf, never } from "./stand.ts";

let server: PostgresServer;
before(async () => {
  server = await postgresServer();
});
after(() => server[Symbol.asyncDispose]());

describe("Migrations of PostgreSQL, where one fails", () => {
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

  it("say what those of their statements deleted that are done", async () => {
    const file = "-- migrate:up transaction:false\nDELETE FROM a WHERE id < 3;\nDELETE FROM a WHERE id = 1 / 0;";
    await using app = await databaseUnderTest(server, { "1_less.sql": file });
    await app.client.query("CREATE TABLE a AS SELECT generate_series(1, 5) AS id");
    const fault = await faultOf(app.up());
    match(fault.what, /its first statement is done and stays/);
    deepEqual(fault.detail, ["what is done of it deleted 2 rows of a"]);
  });

  it("that commit by themselves are never said to have done nothing", async () => {
    const block = "DO $$ BEGIN INSERT INTO a VALUES (1); COMMIT; RAISE EXCEPTION 'later'; END $$;";
    await using app = await databaseUnderTest(server, { "1_do.sql": `-- migrate:up transaction:false\n${block}` });
    await app.client.query("CREATE TABLE a (id int)");
    const fault = await faultOf(app.up());
    equal(
      fault.what,
      "db/1_do.sql failed; what it had committed by itself until then stays, and nobody knows what that is.",
    );
    equal(fault.isBeforehand, undefined);
    deepEqual(await app.column("SELECT id FROM a"), ["1"]);
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
});
