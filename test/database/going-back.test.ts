import { deepEqual, equal, match } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { databaseUnderTest, faultOf, never } from "./stand.ts";

let server: PostgresServer;
before(async () => {
  server = await postgresServer();
});
after(() => server[Symbol.asyncDispose]());

const file = (up: string, down: string, header = ""): string =>
  `${header}\n-- migrate:up\n${up}\n-- migrate:down\n${down}\n`;
const COLUMN = file(
  "ALTER TABLE orders ADD COLUMN total int, ADD COLUMN kind text NOT NULL DEFAULT 'a';",
  "ALTER TABLE orders DROP COLUMN total, DROP COLUMN kind;",
);
const TABLE = file("CREATE TABLE carts (id int); CREATE INDEX carts_id ON carts (id);", "DROP TABLE carts;");

describe("Going back after a release", () => {
  it("takes away what was added as long as nobody has put anything into it", async () => {
    await using app = await databaseUnderTest(server, { "1_column.sql": COLUMN, "2_table.sql": TABLE });
    await app.client.query("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1), (2)");
    await app.up({ release: 5 });
    await app.client.query("INSERT INTO orders VALUES (3)");
    const { reversed, kept } = await app.down({ release: 5 });
    deepEqual([reversed.map((each) => each.file), kept], [["db/2_table.sql", "db/1_column.sql"], []]);
    deepEqual(
      await app.column(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attnum > 0 AND NOT attisdropped",
      ),
      ["id"],
    );
    equal((await app.up({ release: 6 })).applied.length, 2);
  });

  it("works by the text that was applied, where the version's folder is gone", async () => {
    await using app = await databaseUnderTest(server, { "1_table.sql": TABLE });
    await app.up({ release: 5 });
    app.remove("1_table.sql");
    deepEqual(
      (await app.down({ release: 5 })).reversed.map((each) => each.file),
      ["db/1_table.sql"],
    );
  });

  it("loses nothing by a SELECT that only works with what stands in it; what another one calls nobody knows", async () => {
    await using app = await databaseUnderTest(server, {
      "1_none.sql": file("SELECT 1;", "SELECT 1, 'two' || '!';"),
      "2_calls.sql": file("SELECT 1;", "SELECT txid_current();"),
      "3_reads.sql": file("SELECT 1;", "SELECT relname FROM pg_class;"),
    });
    await app.up({ release: 5 });
    const { reversed } = await app.down({ steps: 3 }, { dryRun: true });
    const calls = ["runs SELECT, which may call anything"];
    deepEqual(
      reversed.map(({ lost }) => lost),
      [calls, calls, []],
    );
  });

  /** Why the only migration of a release stays. */
  const whyKept = async (text: string, after: string, change?: string): Promise<string> => {
    await using app = await databaseUnderTest(server, { "1_it.sql": text });
    await app.client.query("CREATE TABLE orders (id int, note text); INSERT INTO orders VALUES (1), (2)");
    await app.up({ release: 5 });
    await app.client.query(after);
    if (change !== undefined) app.write("1_it.sql", change);
    const { reversed, kept } = await app.down({ release: 5 });
    deepEqual(reversed, []);
    return kept[0]?.why ?? "";
  };

  it("leaves what would lose something, and says in a sentence what", async () => {
    equal(
      await whyKept(COLUMN, "UPDATE orders SET total = 1 WHERE id = 1"),
      "Its way back drops column orders.total, which 1 of 2 rows have a value in (line 5).",
    );
    equal(
      await whyKept(COLUMN, "UPDATE orders SET kind = 'b'"),
      "Its way back drops column orders.kind, which 2 of 2 rows have a value in (line 5).",
    );
    equal(await whyKept(TABLE, "INSERT INTO carts VALUES (1)"), "Its way back drops table carts with 1 row (line 5).");
    equal(
      await whyKept(file("SELECT 1;", "ALTER TABLE orders DROP COLUMN note;"), ""),
      "Its way back drops column orders.note, which its way forward has not made (line 5).",
    );
    equal(
      await whyKept(file("ALTER TABLE orders ADD COLUMN x int;", "DROP TABLE orders CASCADE;"), ""),
      "Its way back drops with CASCADE whatever depends on it (line 5).",
    );
    equal(await whyKept(file("SELECT 1;", "DELETE FROM orders;"), ""), "Its way back runs DELETE on orders (line 5).");
    equal(
      await whyKept(file("SELECT 1;", "DO $$ BEGIN END $$;"), ""),
      "Its way back runs DO, which may change rows (line 5).",
    );
    equal(
      await whyKept("ALTER TABLE orders ADD COLUMN x int;", ""),
      "It has no way back (nothing stands under `-- migrate:down`).",
    );
    equal(
      await whyKept(file("ALTER TABLE orders ADD x int;", "SELECT 1;", "-- reversible: lossy"), ""),
      "It says that its way back loses data (`-- reversible: lossy`).",
    );
    equal(
      await whyKept(file("ALTER TABLE orders DROP note;", "ALTER TABLE orders ADD note text;"), ""),
      "It is of phase contract, and only what was added is taken away again.",
    );
    equal(
      await whyKept("-- phase: backfill\n-- migrate:up\nUPDATE orders SET note = 'b' WHERE note = 'a';", ""),
      "It has no way back (nothing stands under `-- migrate:down`); what the old version writes from now on it does not fill in.",
    );
    equal(await whyKept(TABLE, "", TABLE.replace("id int", "id bigint")), "Its file was changed after it was applied.");
    match(
      await whyKept(TABLE, "CREATE VIEW v AS SELECT id FROM carts"),
      /^db\/1_it\.sql failed; nothing of it was done\. cannot drop table carts because other objects depend on it\./,
    );
  });

  it("leaves what is older than one that stays, and what another release has built on", async () => {
    await using app = await databaseUnderTest(server, { "1_table.sql": TABLE });
    await app.up({ release: 5 });
    app.write("2_more.sql", file("ALTER TABLE carts ADD COLUMN x int;", "ALTER TABLE carts DROP COLUMN x;"));
    await app.up({ release: 6 });
    deepEqual((await app.down({ release: 5 })).kept, [
      { file: "db/1_table.sql", why: "db/2_more.sql, which came after it, stays." },
    ]);
    equal((await app.down({ release: 6 })).reversed.length, 1);
  });
});

describe("Going back by a person's word", () => {
  it("is refused with every loss named, and done when the loss is accepted", async () => {
    await using app = await databaseUnderTest(server, { "1_column.sql": COLUMN, "2_table.sql": TABLE });
    await app.client.query("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1), (2)");
    await app.up();
    await app.client.query("UPDATE orders SET total = 3; INSERT INTO carts VALUES (1)");
    const fault = await faultOf(app.down({ steps: 2 }));
    deepEqual(
      [fault.code, fault.detail],
      [
        "migration-loses-data",
        [
          "db/2_table.sql:5 drops table carts with 1 row",
          "db/1_column.sql:5 drops column orders.total, which 2 of 2 rows have a value in",
        ],
      ],
    );
    equal((await app.down({ steps: 2 }, { dryRun: true })).reversed[1]?.lost.length, 1);
    const tooMany = await faultOf(app.down({ steps: 99 }, { acceptLoss: true }));
    equal(tooMany.what, "There are 2 migrations applied, and 99 should be taken back. Nothing was run.");
    deepEqual(await app.column("SELECT total FROM orders"), ["3", "3"]);
    const { reversed } = await app.down({ steps: 2 }, { acceptLoss: true });
    deepEqual(
      reversed.map(({ lost }) => lost.length),
      [1, 1],
    );
    const history = await app.migrations.history({ signal: never() });
    deepEqual(
      history.slice(2).map(({ did, release, note }) => [did, release, note]),
      [
        ["down", null, "lost: drops table carts with 1 row"],
        ["down", null, "lost: drops column orders.total, which 2 of 2 rows have a value in"],
      ],
    );
  });

  it("says what a contract had taken away: it comes back without what was in it", async () => {
    await using app = await databaseUnderTest(server, {
      "1_note.sql":
        "-- phase: contract\n-- migrate:up\nALTER TABLE orders DROP COLUMN note;\n-- migrate:down\nALTER TABLE orders ADD COLUMN note text;",
    });
    await app.client.query("CREATE TABLE orders (id int, note text); INSERT INTO orders VALUES (1, 'x')");
    await app.up();
    const { applied } = await app.migrations.status({ directory: app.directory, signal: never() });
    deepEqual(applied[0]?.drops, ["orders.note"]);
    deepEqual((await app.down({ steps: 1 }, { dryRun: true })).reversed[0]?.empty, ["orders.note"]);
    deepEqual((await app.down({ steps: 1 })).reversed[0]?.empty, ["orders.note"]);
  });

  it("is refused where there is no way back, and outside of a transaction goes on where it was cut off", async () => {
    await using app = await databaseUnderTest(server, {
      "1_none.sql": "CREATE TABLE t (id int);",
      "2_index.sql":
        "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY x ON t (id);\n-- migrate:down transaction:false\nDROP INDEX CONCURRENTLY x;\nDROP INDEX CONCURRENTLY y;",
    });
    await app.up();
    match((await faultOf(app.down({ steps: 1 }))).what, /its first statement is done and stays/);
    equal((await faultOf(app.up())).code, "migration-half-reversed");
    await app.client.query("CREATE INDEX y ON t (id)");
    equal((await app.down({ steps: 1 })).reversed.length, 1);
    equal((await faultOf(app.down({ steps: 1 }))).code, "migration-irreversible");
  });
});
