import { equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { asksLedger, isLedger } from "../../src/adapters/database/ledger-tables.ts";
import { toolOf } from "../../src/adapters/database/tools/of-plan.ts";
import { OWN_TABLES } from "../../src/adapters/database/sqlite/ledger.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describe("The tables in which migrations are written down", () => {
  it("are Tidegate's own, and those of every tool that it knows", async () => {
    await using files = temporaryFolder();
    for (const table of OWN_TABLES) equal(isLedger(table), true, table);
    for (const kind of ["alembic", "rails", "knex", "db-migrate"] as const) {
      const { tables } = toolOf({ kind, folder: ".", phases: {} }, files.path);
      for (const table of tables) equal(isLedger(table, ["run_on", "name", "id"]), true, `${table} of ${kind}`);
    }
    for (const table of ["_prisma_migrations", "flyway_schema_history", "SequelizeMeta"])
      equal(isLedger(table), true, table);
  });

  it("are not the users' own that has a name which tools use too", () => {
    equal(isLedger("migrations"), false, "nobody knows whose it is");
    equal(isLedger("migrations", ["id", "ringed_by"]), false);
    equal(isLedger("migrations", ["id", "migration", "batch"]), true, "Laravel's");
    equal(isLedger("migrations", ["id", "name", "run_on", "ringed_by"]), false, "somebody has made it theirs");
    equal(isLedger("tidegate_orders"), false);
  });

  it("are told by name in a query", () => {
    equal(asksLedger("SELECT version_num FROM alembic_version"), true);
    equal(asksLedger('INSERT INTO "SequelizeMeta" VALUES ($1)'), true);
    equal(asksLedger("SELECT * FROM migrations"), false);
    equal(asksLedger("SELECT * FROM alembic_versions_sold"), false);
  });
});
