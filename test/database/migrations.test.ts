import { deepEqual, equal, match, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { databaseUnderTest, faultOf, never, ORDERS } from "./stand.ts";

let server: PostgresServer;
before(async () => {
  server = await postgresServer();
});
after(() => server[Symbol.asyncDispose]());

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
    equal(await codeOf({ "1_a.sql": "--- phase: contract\nSELECT 1;" }), "migration-header-misspelt");
    equal(
      await codeOf({ "1_a.sql": "UPDATE a SET b = 1 WHERE b IS NULL; -- batch: 100" }),
      "migration-header-misspelt",
    );
    equal(await codeOf({ "a.sql": "SELECT 1;" }), "migration-name-invalid");
    equal(await codeOf({ "1_a.sql": "SELECT 1;", "1_b.sql": "SELECT 1;" }), "migration-version-twice");
    equal(
      await codeOf({ "1_a.sql": "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY ON a (id);" }),
      "migration-unnamed-index",
    );
  });

  it("of which a part would never run are refused with its line as long as they are not applied", async () => {
    const twice = `${ORDERS}-- migrate:up\nCREATE TABLE carts (id int);\n`;
    await using app = await databaseUnderTest(server, { "1_a.sql": ORDERS, "2_b.sql": twice });
    const place = { directory: app.directory, signal: never() };
    const places = async (): Promise<readonly (readonly string[])[]> =>
      (await app.migrations.status(place)).problems.map(({ code, where = "" }) => [code, where]);
    deepEqual(await places(), [["migration-never-runs", "db/2_b.sql:5"]]);
    const fault = await faultOf(app.up());
    deepEqual([fault.code, fault.where], ["migration-never-runs", "db/2_b.sql:5"]);
    match(fault.what, /only what is below line 1\. Nothing was run\.$/);
    app.write("2_b.sql", "-- of the shop\nCREATE TABLE carts (id int);\n-- migrate:up\nSELECT 1;");
    equal((await faultOf(app.up())).where, "db/2_b.sql:2");
    app.write("2_b.sql", `-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 2;\n-- migrate:down\nSELECT 3;`);
    equal((await faultOf(app.up())).where, "db/2_b.sql:5");
    // What another tool has applied is as it is.
    app.write("2_b.sql", twice);
    await app.client.query("INSERT INTO schema_migrations VALUES ('2')");
    equal((await app.up({ outOfOrder: true })).applied.length, 1);
    deepEqual(await places(), []);
    equal((await app.down({ steps: 1 })).reversed.length, 1);
  });

  it("may have dollar quotes, umlauts and a thousand statements", async () => {
    const many = Array.from({ length: 1000 }, (_, index) => `INSERT INTO t VALUES (${index}, 'ä;ö');`).join("\n");
    await using app = await databaseUnderTest(server, {
      "1_many.sql": `CREATE TABLE t (id int, x text);\nDO $tag$ BEGIN PERFORM ';'; END $tag$;\n${many}`,
    });
    equal((await app.up()).applied[0]?.statements, 1002);
    deepEqual(await app.column("SELECT count(*) FROM t WHERE x = 'ä;ö'"), ["1000"]);
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
