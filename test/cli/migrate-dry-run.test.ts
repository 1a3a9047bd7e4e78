import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { it } from "node:test";
import { postgresServer } from "../support/postgres.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { tidegate } from "./support/program.ts";

it("tidegate migrate up --dry-run says what was not tried, and ends with 3 where `up` would refuse", async () => {
  await using server = await postgresServer();
  await using app = temporaryFolder();
  mkdirSync(app.file("db"));
  const write = (name: string, text: string): void => writeFileSync(app.file("db", name), text);
  const url = await server.database("dry");
  const run = (...words: readonly string[]) =>
    tidegate(["migrate", "up", ...words, "--folder", "db", "--yes"], { cwd: app.path, env: { DATABASE_URL: url } });
  write("1_orders.sql", "CREATE TABLE orders (id int); INSERT INTO orders SELECT generate_series(1, 300000);\n");
  assert.equal((await run()).code, 0);
  write("2_note.sql", "ALTER TABLE orders ADD COLUMN note text;\n");
  write("3_clean.sql", "-- migrate:up transaction:false\nVACUUM orders;\n");
  const tried = await run("--dry-run");
  assert.equal(tried.code, 0, tried.stderr);
  assert.match(
    tried.stdout,
    /^1 migration tried and taken back, 1 not, or not wholly\. Nothing was changed\..*\n(?!.*refuses)/m,
  );
  write("4_index.sql", "CREATE INDEX orders_note ON orders (note);\n");
  const refused = await run("--dry-run");
  assert.equal(refused.code, 3);
  assert.match(refused.stdout, /^tidegate migrate up refuses what is marked above\.$/m);
});
