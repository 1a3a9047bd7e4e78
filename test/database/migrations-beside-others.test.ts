import { deepEqual, equal, match } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { until } from "../support/until.ts";
import { databaseUnderTest, faultOf, never, QUICK } from "./stand.ts";

let server: PostgresServer;
before(async () => {
  server = await postgresServer();
});
after(() => server[Symbol.asyncDispose]());

describe("Migrations of PostgreSQL, beside others", () => {
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

  it("are known to others by their release, where it is one's", async () => {
    await using app = await databaseUnderTest(server, { "1_a.sql": "ALTER TABLE orders ADD COLUMN note text;" });
    await app.client.query("CREATE TABLE orders (id int)");
    const reader = await server.session(app.url, "report");
    await reader.query("BEGIN; SELECT count(*) FROM orders");
    const running = app.up({ release: 7 });
    await until("it waits with the lock", () => app.told.some(({ kind }) => kind === "blocked"));
    const { lock } = await app.migrations.status({ directory: app.directory, signal: never() });
    equal(lock?.application, "tidegate release 7 (alice)");
    await reader.query("COMMIT");
    await running;
    await reader.end();
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
});
