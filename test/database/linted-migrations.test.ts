import { deepEqual, equal, match } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { PlacedFinding } from "../../src/ports/migrations.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { databaseUnderTest, faultOf, never } from "./stand.ts";

let server: PostgresServer;
before(async () => {
  server = await postgresServer(["fsync=off", "shared_preload_libraries=pg_stat_statements"]);
});
after(() => server[Symbol.asyncDispose]());

const INIT = `-- migrate:up
CREATE TABLE customers (id int PRIMARY KEY, email text, note text, CONSTRAINT customers_email UNIQUE (email));
CREATE INDEX customers_note ON customers (note);`;
const errors = (findings: readonly PlacedFinding[] = []): readonly PlacedFinding[] =>
  findings.filter(({ severity, allowed }) => severity === "error" && allowed === undefined);
const FILL =
  "INSERT INTO customers SELECT n, n || '@x', repeat('n', 40) FROM generate_series(1, 60000) n; ANALYZE customers";

describe("What the linter finds in pending migrations", () => {
  it("is nothing where a database is made by them, or is small", async () => {
    await using app = await databaseUnderTest(server, {
      "1_init.sql": INIT,
      "2_more.sql":
        "-- migrate:up\nCREATE INDEX more ON customers (email, note);\nALTER TABLE customers ADD CHECK (id > 0);",
    });
    equal((await app.up({ atMost: 1 })).applied.length, 1);
    equal((await app.up()).applied.length, 1);
  });

  it("is nothing where a run that was cut off had begun with an empty database, whatever it has put there; afterwards it is", async () => {
    const fill = `-- migrate:up\n${FILL};`;
    const longer = "ALTER TABLE customers ADD COLUMN more int; UPDATE customers SET more = 1 WHERE id > 5;";
    await using app = await databaseUnderTest(server, {
      "1_init.sql": INIT,
      "2_fill.sql": fill,
      "3_bad.sql": "SELECT nonsense;",
      "4_more.sql": longer,
    });
    equal((await faultOf(app.up())).code, "migration-failed");
    app.write("3_bad.sql", "SELECT 1;");
    const { pending } = await app.migrations.status({ directory: app.directory, signal: never() });
    deepEqual(
      pending.map(({ findings }) => errors(findings)),
      [[], []],
    );
    equal((await app.up()).applied.length, 2);
    app.write("5_more.sql", longer.replaceAll("more", "other"));
    const refused = await faultOf(app.up());
    deepEqual([refused.code, refused.where], ["migration-lint", "db/5_more.sql:1"]);
  });

  it("is refused with its place, and nothing is run; unless the file allows it, or the plan only warns", async () => {
    await using app = await databaseUnderTest(server, { "1_init.sql": INIT });
    await app.up();
    await app.client.query(FILL);
    const index = "CREATE INDEX again ON customers (note);";
    app.write("2_index.sql", `-- migrate:up\nCREATE TABLE other (id int);\n${index}`);
    const { pending } = await app.migrations.status({ directory: app.directory, signal: never() });
    deepEqual(
      errors(pending[0]?.findings).map(({ line, rule }) => [line, rule]),
      [[3, "require-concurrent-index-creation"]],
    );
    const fault = await faultOf(app.up());
    deepEqual(
      [fault.code, fault.what, fault.where],
      ["migration-lint", "db/2_index.sql: an error that nobody has allowed. Nothing was run.", "db/2_index.sql:3"],
    );
    match(
      fault.detail?.[0] ?? "",
      /Nobody can write to customers until the index is built\. customers has about 60 000 rows, /,
    );
    match(fault.fix ?? "", /CREATE INDEX CONCURRENTLY.*tidegate:allow require-concurrent-index-creation because/);
    deepEqual(await app.column("SELECT to_regclass('other') IS NULL"), ["true"]);
    const tried = await app.up({ dryRun: true });
    equal(errors(tried.applied[0]?.findings).length, 1);
    app.write(
      "2_index.sql",
      `-- migrate:up\n-- tidegate:allow require-concurrent-index-creation because at night\n${index}`,
    );
    equal((await app.up()).applied.length, 1);
    app.write("3_index.sql", `-- migrate:up\n${index.replace("again", "third")}`);
    const all = {
      phases: ["expand"] as const,
      release: null,
      by: "alice",
      dryRun: false,
      signal: never(),
      tell: () => undefined,
    };
    equal((await app.other({ lint: "warn" }).up({ directory: app.directory, ...all })).applied.length, 1);
  });

  it("is judged by the queries of the version that serves, from its own folder or as the server has seen them", async () => {
    await using app = await databaseUnderTest(server, { "1_init.sql": INIT }, { queries: "queries.sql" });
    await app.client.query("CREATE EXTENSION pg_stat_statements");
    const queries = (sql: string): void => writeFileSync(join(app.directory, "queries.sql"), sql);
    queries("SELECT 1;");
    await app.up();
    app.write("2_drop.sql", "-- phase: expand\n-- migrate:up\nALTER TABLE customers DROP CONSTRAINT customers_email;");
    const found = async (): Promise<PlacedFinding | undefined> => {
      const { pending } = await app.migrations.status({ directory: app.directory, signal: never() });
      return pending[0]?.findings?.find(({ rule }) => rule === "dropping-constraint");
    };
    equal((await found())?.severity, "info");
    queries(
      "SELECT 1;\n-- name: sign up\nINSERT INTO customers (id, email) VALUES (1, 'a') ON CONFLICT (email) DO NOTHING;",
    );
    deepEqual([(await found())?.severity, (await found())?.known], ["error", "sign up needs it."]);
    equal((await faultOf(app.up())).code, "migration-lint");
    queries("SELECT 1;");
    await app.client.query(
      "INSERT INTO customers (id, email) VALUES (2, 'b') ON CONFLICT (email) DO UPDATE SET note = 'c'",
    );
    match(
      (await found())?.known ?? "",
      /^`INSERT INTO customers \(id, email\) VALUES \(\$1, \$2\) ON CONFLICT \(email\) DO UPDATE.*` \(asked once\) needs it\.$/,
    );
    const without = app.other({ queries: "missing.sql" }).status({ directory: app.directory, signal: never() });
    equal((await faultOf(without)).code, "queries-missing");
  });

  it("is not lowered by statistics that have looked for a short time only, or that hide what others ask", async () => {
    await using app = await databaseUnderTest(server, { "1_init.sql": INIT });
    await app.client.query("CREATE EXTENSION pg_stat_statements");
    await app.up();
    app.write("2_drop.sql", "-- phase: expand\n-- migrate:up\nALTER TABLE customers DROP COLUMN note;");
    const { pending } = await app.migrations.status({ directory: app.directory, signal: never() });
    const drop = pending[0]?.findings?.find(({ rule }) => rule === "ban-drop-column");
    equal(drop?.severity, "error");
    match(drop?.known ?? "", /none uses customers\.note, but it has looked for \d+s only\.$/);
    await app.client.query(
      "SELECT id FROM customers; CREATE ROLE modest LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO modest",
    );
    const modest = app.other({ url: app.url.replace("gate@", "modest@") });
    const seen = await modest.status({ directory: app.directory, signal: never() });
    match(
      seen.pending[0]?.findings?.find(({ rule }) => rule === "ban-drop-column")?.known ?? "",
      /may not see what others ask/,
    );
    deepEqual(
      seen.notes?.map(({ fix }) => fix),
      ["GRANT pg_monitor TO modest"],
    );
  });

  it("tells tables of one name in two schemas apart, in what is in the database and in what is asked of it", async () => {
    await using app = await databaseUnderTest(server, { "1_init.sql": INIT });
    await app.up();
    await app.client.query(`CREATE SCHEMA old; CREATE TABLE old.customers (id int, note text); ${FILL}`);
    const found = async (text: string): Promise<readonly string[]> => {
      app.write("2_it.sql", `-- phase: expand\n${text}`);
      const { pending } = await app.migrations.status({ directory: app.directory, signal: never() });
      return errors(pending[0]?.findings).map(({ rule }) => rule);
    };
    deepEqual(await found("CREATE INDEX i ON old.customers (note);"), [], "that one is small");
    deepEqual(await found("SET search_path = old; CREATE INDEX i ON customers (note);"), []);
    deepEqual(await found("CREATE INDEX i ON customers (note);"), ["require-concurrent-index-creation"]);
    deepEqual(await found("CREATE INDEX i ON public.customers (note);"), ["require-concurrent-index-creation"]);
    deepEqual(await found("CREATE TABLE new.customers (id int); DROP TABLE old.customers;"), ["ban-drop-table"]);
    app.write("2_it.sql", "CREATE TABLE old.parts (id int); DROP TABLE old.customers;");
    const [pending] = (await app.migrations.status({ directory: app.directory, signal: never() })).pending;
    deepEqual([pending?.phase, pending?.drops], ["contract", ["old.customers"]]);
    app.write("2_it.sql", "CREATE TABLE old.orders (id int); DROP TABLE public.orders;");
    equal((await app.migrations.status({ directory: app.directory, signal: never() })).pending[0]?.phase, "contract");
  });

  it("knows what the catalogue has: views that read a column, functions that name it, partitions, what is gone", async () => {
    await using app = await databaseUnderTest(server, { "1_init.sql": INIT });
    await app.up();
    await app.client
      .query(`CREATE VIEW notes AS SELECT id, note FROM customers; CREATE VIEW more AS SELECT note FROM notes;
      CREATE FUNCTION greet() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT max(email) FROM customers); END $$;
      CREATE TABLE days (day date, n int) PARTITION BY RANGE (day);
      CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
      CREATE TABLE strange ("Select" text, CONSTRAINT known CHECK ("Select" IS NOT NULL));
      CREATE UNIQUE INDEX both_of ON customers (lower(email), note) WHERE id > 0`);
    const now = await app.migrations.serving?.({
      directory: app.directory,
      signal: never(),
      names: ["customers", "note", "email", "days", "strange", "both_of", "missing", "greet"],
    });
    const { relations, mentions, functions } = now?.serving.catalogue ?? { relations: [], mentions: [], functions: [] };
    const of = (name: string) => relations.find((each) => each.name === name);
    deepEqual(
      of("customers")
        ?.readers.filter(({ column }) => column === "note")
        .map(({ view }) => view)
        .toSorted(),
      ["public.more", "public.notes"],
    );
    deepEqual(
      of("customers")?.indexes.find(({ name }) => name === "both_of"),
      {
        name: "both_of",
        isUnique: true,
        isPartial: true,
        columns: [null, "note"],
      },
    );
    deepEqual([of("both_of")?.kind, of("both_of")?.table], ["index", "public.customers"]);
    equal(of("strange")?.constraints[0]?.notNullOf, "Select");
    equal(typeof of("days")?.bytes, "number");
    equal(of("missing"), undefined);
    deepEqual(
      [functions, mentions],
      [
        ["greet"],
        [
          { name: "customers", by: "greet" },
          { name: "email", by: "greet" },
        ],
      ],
    );
    deepEqual(now?.applied, ["1"]);
  });
});
