import { deepEqual, equal, match } from "node:assert/strict";
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { inWords } from "../../src/adapters/database/sqlite/file-faults.ts";
import { FaultError } from "../../src/core/fault.ts";
import { smallDisk } from "../e2e/support/small-disk.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { spoil } from "../support/spoilt-sqlite.ts";
import { sqliteUnderTest } from "./sqlite-stand.ts";
import { faultOf, never } from "./stand.ts";

const FILES = { "1_a.sql": "CREATE TABLE a (id int);" };

describe("What SQLite says of a file that it can't use", () => {
  it("is told with where and how it is mended, whatever was asked", async () => {
    await using app = sqliteUnderTest(FILES);
    const asked = () => {
      const at = { directory: app.folder, signal: never() };
      return [app.migrations.status(at), app.migrations.history(at), app.up(), app.up({ dryRun: true })];
    };
    writeFileSync(app.path, "no database at all, but long enough to be taken for one by its name ".repeat(20));
    for (const each of asked()) {
      const { code, what, where } = await faultOf(each);
      deepEqual([code, where], ["database-unreachable", app.path]);
      match(what, /This file is no database of SQLite/);
    }
    rmSync(app.path);
    app.run("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1)");
    spoil(app.path);
    for (const each of asked()) {
      const { code, where, fix = "" } = await faultOf(each);
      deepEqual([code, where], ["database-damaged", app.path]);
      match(fix, /tidegate restore newest/);
    }
  });

  it("is no fault of the migration that meets it, of which nothing is done then", async (context) => {
    await using folder = temporaryFolder();
    const disk = smallDisk(folder.file("disk"), 1);
    if (disk === null) return context.skip("needs the right to mount a tmpfs");
    using mounted = disk;
    const path = folder.file("disk", "shop.db");
    new DatabaseSync(path).close();
    await using app = sqliteUnderTest({ "1_a.sql": "CREATE TABLE a AS SELECT randomblob(3000000) AS much;" }, { path });
    for (const dryRun of [false, true]) {
      const { code, where, isBeforehand } = await faultOf(app.up({ dryRun }));
      deepEqual([code, where], ["database-disk-full", path]);
      if (!dryRun) equal(isBeforehand, true);
    }
    mounted.forbidWriting();
    for (const dryRun of [false, true]) equal((await faultOf(app.up({ dryRun }))).code, "database-read-only");
  });

  it("has words for each of its codes, and none for what is wrong with SQL", () => {
    const said = [5, 6, 8, 10, 11, 13, 14, 26, 1, 19].map((errcode) => {
      // Above eight bits SQLite says more of the same.
      const told = inWords(Object.assign(new Error("said"), { errcode: errcode | (3 << 8) }), "/srv/shop.db");
      return told instanceof FaultError ? told.fault.code : null;
    });
    deepEqual(said, [
      "migration-blocked",
      "migration-blocked",
      "database-read-only",
      "database-disk-failed",
      "database-damaged",
      "database-disk-full",
      "database-unreachable",
      "database-unreachable",
      null,
      null,
    ]);
  });
});

describe("A file of SQLite whose folder is not there", () => {
  it("is refused with the folder's name by whoever would make it, and has nothing to take back", async () => {
    await using folder = temporaryFolder();
    const path = folder.file("data", "shop.db");
    await using app = sqliteUnderTest(FILES, { path });
    const at = { directory: app.folder, signal: never() };
    for (const asked of [app.migrations.status(at), app.up(), app.up({ dryRun: true })]) {
      const { code, what, fix = "" } = await faultOf(asked);
      equal(code, "database-unreachable");
      match(what, new RegExp(`There is no folder ${dirname(path)} for the database`));
      match(fix, /mkdir -p/);
    }
    deepEqual(await app.down({ release: 1 }), { reversed: [], kept: [] });
    equal(existsSync(dirname(path)), false);
    mkdirSync(dirname(path));
    equal((await app.up()).applied.length, 1);
    equal(existsSync(join(dirname(path), "shop.db")), true);
  });
});
