import { deepEqual, equal, ok } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { after, before, describe, it } from "node:test";
import { type App, createApp } from "./support/app.ts";
import { faultOf } from "./support/release.ts";

const PLAN = `
app: shop
services: { web: { run: node server.js, health: { ready: /health, every: 1s, timeout: 1s } } }
traffic: { embedded: \${PORT_OF_FRONT_DOOR} }
database: { url: "sqlite:shop.db", migrations: db }
steps: [{ migrate: expand }, { shift: 100%, for: 1s }]
`;

let app: App;
before(async () => {
  app = await createApp();
  app.plan(PLAN);
  using database = new DatabaseSync(app.file("shop.db"));
  database.exec(
    "CREATE TABLE orders (id int, total int); CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY); INSERT INTO schema_migrations VALUES (1)",
  );
});
after(() => app[Symbol.asyncDispose]());

interface Found {
  readonly findings: readonly { readonly name: string; readonly state: string; readonly sentence: string }[];
}

describe("What a release would be refused for", () => {
  /** The same sentence of all three, and the same end. */
  const refused = async (what: string): Promise<void> => {
    const planned = await app.tidegate(["plan"]);
    equal(planned.code, 3, planned.stdout + planned.stderr);
    ok(planned.stdout.replaceAll(/\s+/g, " ").includes(`A release would be refused when it migrates. ${what}.`));
    equal((await app.tidegate(["plan", "--json"])).code, 3);

    const examined = await app.tidegate(["doctor", "--json"]);
    equal(examined.code, 3);
    deepEqual(
      (JSON.parse(examined.stdout) as Found).findings
        .filter(({ state }) => state === "bad")
        .map(({ sentence }) => sentence),
      [what],
    );

    const released = await app.tidegate(["release", "--json", "--yes"]);
    equal(released.code, 3);
    equal(faultOf(released).what, `${what}. Nothing was begun.`);
  };

  it("plan and doctor say beforehand, and end as it would: a backfill that no step runs, or none before what needs it", async () => {
    app.write("db/1_orders.sql", "CREATE TABLE orders (id int, total int);\n");
    app.version({ name: "v1" });
    equal((await app.tidegate(["plan"])).code, 0);
    app.write("db/2_fill.sql", "-- phase: backfill\nUPDATE orders SET total = 0 WHERE total IS NULL;\n");
    app.version({ name: "v2" });
    await refused("db/2_fill.sql (backfill) is pending, and no step of the plan runs it");
    app.write("db/3_more.sql", "-- phase: contract\nDROP TABLE IF EXISTS carts;\n");
    app.plan(PLAN.replace("for: 1s }", "for: 1s }, retire, { migrate: contract }"));
    app.version({ name: "v3" });
    await refused(
      "db/2_fill.sql (backfill) is pending, and no step runs it before db/3_more.sql (contract), which comes after it",
    );
  });
});
