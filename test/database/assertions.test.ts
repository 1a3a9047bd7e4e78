import { deepEqual, equal, match } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { databaseUnderTest, faultOf, never, ORDERS } from "./stand.ts";

let server: PostgresServer;
before(async () => {
  server = await postgresServer();
});
after(() => server[Symbol.asyncDispose]());

describe("Migrations of PostgreSQL, with assertions", () => {
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
});
