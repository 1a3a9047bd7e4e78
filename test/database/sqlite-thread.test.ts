import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { FaultError } from "../../src/core/fault.ts";
import { sqliteBesideOthers } from "../../src/adapters/database/sqlite/beside-others.ts";
import type { MigrationProgress, UpRequest } from "../../src/ports/migrations.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { faultOf, never } from "./stand.ts";

/** Some work for SQLite, in one statement. */
const counting = (to: number): string =>
  `INSERT INTO sums SELECT sum(n) FROM (WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${to}) SELECT n FROM c);`;

describe("Migrations of SQLite beside an engine", () => {
  it("leave its thread free, tell how far they are, and fail with the same words", async () => {
    await using app = underTest({
      "1_sums.sql": `-- migrate:up\nCREATE TABLE sums (n int);\n${counting(3_000_000)}\n-- migrate:down\nDROP TABLE sums;`,
    });
    let turns = 0;
    using timer = ticking(() => (turns += 1));
    const { applied } = await app.up();
    ok(timer !== null && turns > 1, "others had their turn while it counted");
    deepEqual(
      applied.map(({ file, statements }) => [file, statements]),
      [["db/1_sums.sql", 2]],
    );
    deepEqual(
      app.told.map(({ kind }) => kind),
      ["began", "done"],
    );
    app.write("2_bad.sql", "-- migrate:up\nCREATE TABLE b (id int);\nINSERT INTO missing VALUES (1);");
    const fault = await faultOf(app.up());
    deepEqual([fault.code, fault.where, fault.cause], ["migration-failed", "db/2_bad.sql:3", "no such table: missing"]);
    const down = await faultOf(
      app.migrations.down({ ...app.going(never()), of: { steps: 1 }, acceptLoss: false, dryRun: false }),
    );
    equal(down.code, "migration-loses-data");
  });

  it("say what comes back empty when a contract is taken back", async () => {
    await using app = underTest({ "1_init.sql": "CREATE TABLE orders (id int, note text);" });
    const file = `-- phase: contract\n-- migrate:up\nALTER TABLE orders DROP COLUMN note; DELETE FROM orders WHERE id = 1;\n-- migrate:down\nALTER TABLE orders ADD COLUMN note text;`;
    app.write("2_note.sql", file);
    await app.up({ phases: ["expand", "contract"] });
    const { applied } = await app.migrations.status(app.going(never()));
    deepEqual(
      applied.map(({ drops }) => drops),
      [undefined, ["orders.note"]],
    );
    const back = { ...app.going(never()), of: { steps: 1 }, acceptLoss: false, dryRun: false };
    const [reversed] = (await app.migrations.down(back)).reversed;
    deepEqual([reversed?.empty, reversed?.thinned], [["orders.note"], ["orders"]]);
  });

  it("ask before a contract takes away, and take everything back where the answer is no", async () => {
    await using app = underTest({
      "1_init.sql": "CREATE TABLE orders (id int, note text);",
      "2_note.sql": "-- phase: contract\nALTER TABLE orders DROP COLUMN note;",
      "3_rows.sql": "-- phase: contract\n-- migrate:up transaction:false\nDELETE FROM orders;\nDROP TABLE orders;",
    });
    const wanted = { phases: ["expand", "contract"] } as const;
    const no = new FaultError({ code: "journal-full", what: "There is no room left for the journal." });
    const fault = await faultOf(app.up({ ...wanted, beforeContract: () => Promise.reject(no) }));
    equal(fault.what, "There is no room left for the journal.");
    const columns = "SELECT name FROM pragma_table_info('orders')";
    deepEqual(app.column(columns), ["id", "note"]);
    const seen: string[] = [];
    const beforeContract = async (file: string): Promise<void> =>
      void seen.push(`${file}: ${app.column(columns).join(" ")}`);
    equal((await app.up({ ...wanted, beforeContract })).applied.length, 2);
    deepEqual(seen, ["db/2_note.sql: id note", "db/3_rows.sql: id"]);
  });

  it("stop behind the statement that runs, with everything taken back, and go on when they are run again", async () => {
    const file = `-- migrate:up\nCREATE TABLE sums (n int);\n${counting(1_000_000)}\n${counting(1_000_001).repeat(400)}`;
    await using app = underTest({ "1_sums.sql": file });
    const stopping = new AbortController();
    const going = app.up({ signal: stopping.signal, tell: ({ kind }) => kind === "began" && stopping.abort() });
    await rejects(going, { name: "AbortError" });
    deepEqual(app.column("SELECT name FROM sqlite_schema WHERE name = 'sums'"), []);
    app.write("1_sums.sql", "-- migrate:up\nCREATE TABLE sums (n int);");
    equal((await app.up()).applied.length, 1);
  });
});

function underTest(files: Readonly<Record<string, string>>) {
  const folder = temporaryFolder();
  const path = folder.file("shop.db");
  const told: MigrationProgress[] = [];
  mkdirSync(folder.file("db"));
  const write = (name: string, text: string): void => writeFileSync(folder.file("db", name), text);
  for (const [name, text] of Object.entries(files)) write(name, text);
  const patience = { otherRunMs: 0 };
  const migrations = sqliteBesideOthers({ path, folder: "db", assertions: [], patience });
  const going = (signal: AbortSignal) => ({
    directory: folder.path,
    by: "alice",
    signal,
    tell: (progress: MigrationProgress) => void told.push(progress),
  });
  return {
    migrations,
    told,
    going,
    write,
    up: (more: Partial<UpRequest> = {}) =>
      migrations.up({ ...going(never()), phases: ["expand"], release: null, dryRun: false, ...more }),
    column: (sql: string): readonly unknown[] => {
      using database = new DatabaseSync(path);
      return database
        .prepare(sql)
        .all()
        .map((row) => Object.values(row)[0]);
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

function ticking(tick: () => void): Disposable {
  const timer = setInterval(tick, 5);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
