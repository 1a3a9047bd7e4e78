import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { DatabaseSync } from "node:sqlite";
import { after, afterEach, before, describe, it } from "node:test";
import { postgresCopies } from "../../src/adapters/rehearsal/postgres.ts";
import { sqliteCopies } from "../../src/adapters/rehearsal/sqlite.ts";
import { sandboxEnvironment } from "../../src/cli/rehearse/environment.ts";
import type { Plan } from "../../src/core/plan/plan.ts";
import type { RehearsalCopies } from "../../src/ports/rehearsal-copies.ts";
import { planOf, WEB } from "../support/plans.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const never = (): AbortSignal => new AbortController().signal;
const ID = "0a1b2c3d";
const copiesOf = (url: string): RehearsalCopies =>
  postgresCopies({
    database: { url, values: () => ({}), redact: (text) => text },
    env: process.env,
    place: { kind: "beside" },
  });

describe("The environment of a rehearsal", () => {
  const copies = copiesOf("postgres://owner:secret@db1:5432/shop");
  const withEnv = (env: Readonly<Record<string, string>>, more: Partial<Plan> = {}): Plan =>
    planOf([], {
      services: [{ ...WEB, env }],
      database: {
        kind: "postgres",
        url: "${DATABASE_URL}",
        backups: { folder: "b", keep: { newest: 1 }, encryptTo: [] },
        assertions: [],
      },
      ...more,
    });
  const sandbox = (plan: Plan, env: Readonly<Record<string, string>>): ReturnType<typeof sandboxEnvironment> =>
    sandboxEnvironment({ plan, env, id: ID, copies, application: "rehearsal", variablesIn: () => inFile, found: null });
  /** In a file that the service reads by itself. */
  let inFile: Readonly<Record<string, string>> = {};
  afterEach(() => {
    inFile = {};
  });
  /** What a service really gets. */
  const given = (plan: Plan, env: Readonly<Record<string, string>>, name: string): string | undefined => {
    const made = sandbox(plan, env);
    const written = made.services["web"]?.[name] ?? plan.services[0]?.env[name] ?? "";
    return written.replace(/^\$\{(\w+)\}$/, (_, variable: string) => made.env[variable] ?? "");
  };
  const COPY = "shop_rehearsal_0a1b2c3d";

  it("leads everything that leads to the app's database to the copy, with its own user and driver", () => {
    const env = {
      DATABASE_URL: "postgres://owner:secret@db1:5432/shop",
      WRITER: "postgresql+psycopg2://writer:w@pooler:6432/shop?sslmode=require",
    };
    const plan = withEnv({
      DATABASE_URL: "${DATABASE_URL}",
      DB: "${WRITER}",
      PGDATABASE: "shop",
      LITERAL: "postgres://x@db1/shop",
    });
    equal(given(plan, env, "DATABASE_URL"), `postgres://owner:secret@db1:5432/${COPY}`);
    equal(given(plan, env, "DB"), `postgresql+psycopg2://writer:w@db1:5432/${COPY}?sslmode=require`);
    equal(given(plan, env, "PGDATABASE"), COPY);
    equal(given(plan, env, "LITERAL"), `postgres://x@db1:5432/${COPY}`);
    const { services, databaseUrl, env: own } = sandbox(plan, env);
    equal(own[(databaseUrl ?? "").slice(2, -1)], `postgres://owner:secret@db1:5432/${COPY}`);
    ok(!JSON.stringify(services).includes("secret"), "a plan is written down, and holds no secret");
    ok(
      !Object.values(own).some((value) => value?.endsWith("/shop")),
      "nothing that is started finds the way to production",
    );
  });

  it("gives a service the copy under the plan's own name where the plan gives it none: an .env file must not lead it elsewhere", () => {
    const env = { DATABASE_URL: "postgres://owner@db1/shop" };
    match(given(withEnv({}), env, "DATABASE_URL") ?? "", new RegExp(`/${COPY}$`));
  });

  it("goes before what a service reads from an .env file that leads to the app's database", () => {
    inFile = { PRIMARY: "postgres://owner@db1/shop", DB_NAME: "shop", CACHE: "redis://cache1", MODE: "fast" };
    const env = { DATABASE_URL: "postgres://owner@db1/shop" };
    const plan = withEnv({ DATABASE_URL: "${DATABASE_URL}" });
    equal(given(plan, env, "PRIMARY"), `postgres://owner@db1:5432/${COPY}`);
    equal(given(plan, env, "DB_NAME"), COPY);
    equal(given(plan, env, "MODE"), "", "what leads nowhere stays in the file");
    deepEqual(sandbox(plan, env).shared, ["CACHE of web"]);
  });

  it("names what leads where production's does, unless the plan says where it leads in a rehearsal", () => {
    const env = { DATABASE_URL: "postgres://owner@db1/shop", REDIS_URL: "redis://cache1" };
    const plan = withEnv({
      DATABASE_URL: "${DATABASE_URL}",
      REDIS: "${REDIS_URL}",
      STATS: "postgres://o@db1/stats",
      DATA: tmpdir(),
      PAGE: "/health",
    });
    deepEqual(sandbox(plan, env).shared, ["REDIS of web", "STATS of web", "DATA of web"]);
    const said = { ...plan, rehearsal: { env: { REDIS: "redis://localhost" }, workers: false, paths: [] } };
    deepEqual(sandbox(said, env).shared, ["STATS of web", "DATA of web"]);
    equal(given(said, env, "REDIS"), "redis://localhost");
  });

  it("is refused where nothing says how a service gets to its database", () => {
    const plan = withEnv({});
    const database = { ...plan.database, url: "postgres://owner@db1/shop" } as NonNullable<Plan["database"]>;
    const refused = (): unknown => sandbox({ ...plan, database }, {});
    try {
      refused();
      ok(false, "refused");
    } catch (error) {
      equal((error as { fault?: { code?: string } }).fault?.code, "rehearsal-database-unclear");
    }
  });
});

describe("A copy with rows that are made up", () => {
  let server: PostgresServer;
  before(async () => {
    server = await postgresServer();
  });
  after(() => server[Symbol.asyncDispose]());

  it("has rows as far as types, keys and checks let them be made up, says what not, and goes away again", async () => {
    const url = await server.database("shop");
    const client = await server.session(url);
    await client.query(`
      CREATE TYPE mood AS ENUM ('ok', 'bad');
      CREATE DOMAIN zip AS varchar(5) CHECK (VALUE ~ '^[0-9]{5}$');
      CREATE TABLE schema_migrations (version varchar PRIMARY KEY);
      INSERT INTO schema_migrations VALUES ('1');
      CREATE TABLE parts (customer bigint NOT NULL, n int NOT NULL, size numeric(4, 2) NOT NULL);
      CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE CHECK (email LIKE '%@%'),
        mood mood NOT NULL, tags text[] NOT NULL, boss bigint REFERENCES customers, code char(8) NOT NULL UNIQUE, at timestamptz NOT NULL DEFAULT now());
      CREATE TABLE items (customer bigint NOT NULL REFERENCES customers, n int NOT NULL, id uuid NOT NULL, PRIMARY KEY (customer, n));
      ALTER TABLE parts ADD FOREIGN KEY (customer, n) REFERENCES items;
      CREATE TABLE addresses (zip zip NOT NULL);
      INSERT INTO customers (email, mood, tags, code) VALUES ('real@example.com', 'ok', '{}', 'real');`);
    const copies = copiesOf(url);
    const made = await copies.madeUp(ID, never());
    deepEqual(
      made.map(({ table, rows, why }) => [table, rows, why]),
      [
        ["public.addresses", 0, 'value for domain zip violates check constraint "zip_check"'],
        ["public.customers", 100, undefined],
        ["public.items", 100, undefined],
        ["public.parts", 100, undefined],
      ],
    );
    const copy = await server.session(copies.addressOf(ID));
    const { rows } = await copy.query<{ real: number; applied: number }>(
      "SELECT (SELECT count(*)::int FROM customers WHERE email = 'real@example.com') AS real, (SELECT count(*)::int FROM schema_migrations) AS applied",
    );
    deepEqual(rows, [{ real: 0, applied: 1 }], "no row of production's, and all that was migrated");
    equal(await copies.sessionsInApp("test", never()), 1, "the session of this test, in the app's own");
    await copies.drop(ID, never());
    const { rows: left } = await client.query("SELECT FROM pg_database WHERE datname LIKE 'shop_rehearsal%'");
    equal(left.length, 0);
  });
});

describe("Tables in which tools write down migrations", () => {
  it("come with their rows, and one of the users' that is called like them does not", async () => {
    await using server = await postgresServer();
    const url = await server.database("shop");
    const client = await server.session(url);
    await client.query(`
      CREATE TABLE migrations (id serial PRIMARY KEY, name varchar(255) NOT NULL, run_on timestamp NOT NULL);
      INSERT INTO migrations (name, run_on) VALUES ('/1-orders', now());
      CREATE TABLE _prisma_migrations (id varchar(36) PRIMARY KEY, migration_name text NOT NULL);
      INSERT INTO _prisma_migrations VALUES ('a', '1_orders');
      CREATE SCHEMA birds;
      CREATE TABLE birds.migrations (id serial PRIMARY KEY, ringed_by text NOT NULL);
      INSERT INTO birds.migrations (ringed_by) VALUES ('Ann Real');`);
    const copies = copiesOf(url);
    const made = await copies.madeUp(ID, never());
    deepEqual(
      made.map(({ table, rows }) => [table, rows]),
      [["birds.migrations", 100]],
    );
    const copy = await server.session(copies.addressOf(ID));
    const { rows } = await copy.query(
      "SELECT (SELECT string_agg(name, ',') FROM migrations) AS one, (SELECT string_agg(migration_name, ',') FROM _prisma_migrations) AS other, (SELECT count(*)::int FROM birds.migrations WHERE ringed_by LIKE 'Ann%') AS real",
    );
    deepEqual(rows, [{ one: "/1-orders", other: "1_orders", real: 0 }]);
    await copies.drop(ID, never());
  });
});

describe("A copy on a server of the rehearsal's own", () => {
  it("has the roles of production's, and the app's database by its name", async () => {
    await using production = await postgresServer();
    await using own = await postgresServer();
    const app = await production.session(await production.database("shop"));
    await app.query(
      "CREATE ROLE reader; CREATE ROLE clerk LOGIN PASSWORD 'x' IN ROLE reader; CREATE TABLE orders (n int)",
    );
    await app.query("ALTER TABLE orders OWNER TO clerk");
    await own.database("shop");
    const copies = onServerOf(production.url("shop"), own);
    // It runs for less long than it is known of.
    await own.restart();
    await copies.prepare(ID, never());
    const made = await copies.madeUp(ID, never());
    deepEqual(
      made.map(({ table, rows }) => [table, rows]),
      [["public.orders", 100]],
    );
    const copy = await own.session(copies.addressOf(ID));
    const { rows } = await copy.query(
      "SELECT tableowner, pg_has_role('clerk', 'reader', 'USAGE') AS reads, current_database() AS name FROM pg_tables WHERE tablename = 'orders'",
    );
    deepEqual(rows, [{ tableowner: "clerk", reads: true, name: "shop" }]);
    const { rows: passwords } = await copy.query(
      "SELECT rolpassword LIKE 'SCRAM%' AS kept FROM pg_authid WHERE rolname = 'clerk'",
    );
    deepEqual(passwords, [{ kept: true }]);
  });

  it("is not made where a server answers that ran before: something in between leads there", async () => {
    await using production = await postgresServer();
    const app = await production.session(await production.database("shop"));
    await app.query("CREATE TABLE orders (n int)");
    const copies = onServerOf(production.url("shop"), production);
    await rejects(copies.prepare(ID, never()), ({ fault }: { fault: { code: string } }) => {
      equal(fault.code, "rehearsal-touches-production");
      return true;
    });
    equal((await app.query("SELECT FROM orders")).rows.length, 0);
  });

  const onServerOf = (url: string, { folder }: PostgresServer): RehearsalCopies => {
    const at = { host: "localhost", socket: folder };
    const place = { kind: "own-server", fromHere: at, fromContainers: at } as const;
    return postgresCopies({ database: { url, values: () => ({}), redact: (text) => text }, env: process.env, place });
  };
});

describe("A copy of a file of SQLite", () => {
  it("is made while the app writes, is what every address of it leads to, and goes away again", async () => {
    await using folder = temporaryFolder();
    const path = folder.file("shop.db");
    using database = new DatabaseSync(path);
    database.exec("PRAGMA journal_mode = WAL; CREATE TABLE items (n); INSERT INTO items VALUES (1), (2)");
    const copies = sqliteCopies({ path, folder: folder.path, folderOf: (id) => folder.file(id) });
    await copies.prepare(ID, never());
    const made = await copies.copyNow?.(ID, never());
    deepEqual([made?.tables, made?.rows], [1, 2]);
    const copy = copies.nameOf(ID);
    for (const [value, led] of [
      [path, copy],
      ["sqlite:shop.db", `sqlite:${copy}`],
      [`sqlite:///${path}`, `sqlite:///${copy}`],
      [`file:${path}?mode=rwc`, `file:${copy}?mode=rwc`],
      ["other.db", null],
      ["redis://cache", null],
    ] as const)
      equal(copies.led(ID, "DATABASE", value), led, value);
    using opened = new DatabaseSync(copy);
    deepEqual({ ...opened.prepare("SELECT sum(n) AS sum FROM items").get() }, { sum: 3 });
    await copies.drop(ID, never());
    ok(!existsSync(copy));
  });
});
