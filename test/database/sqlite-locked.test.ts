import { deepEqual, equal, match } from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, symlinkSync, unlinkSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { setImmediate as breath } from "node:timers/promises";
import { openSession } from "../../src/adapters/database/sqlite/session.ts";
import { usersOf } from "../../src/adapters/database/sqlite/users-of.ts";
import type { MigrationProgress, UpRequest } from "../../src/ports/migrations.ts";
import { sqliteUnderTest } from "./sqlite-stand.ts";
import { faultOf, never } from "./stand.ts";

const FILES = { "1_a.sql": "-- migrate:up\nCREATE TABLE a (id int);\n-- migrate:down\nDROP TABLE a;\n" };

function lockedAt(path: string, how: "EXCLUSIVE" | "IMMEDIATE"): DatabaseSync {
  const other = new DatabaseSync(path);
  other.exec(`BEGIN ${how}`);
  return other;
}

describe("A file of SQLite that somebody else has locked", () => {
  it("is waited for by whoever reads it and whoever migrates", async () => {
    await using app = sqliteUnderTest(FILES, { patience: { boundMs: 60_000 } });
    app.run("CREATE TABLE seen (n int)");
    const at = { directory: app.folder, signal: never() };
    const asked = [
      async () => (await app.migrations.status(at)).pending.length,
      async () => (await app.migrations.history(at)).length,
      async () => (await app.up({ dryRun: true })).applied.length,
      async () => (await app.up()).applied.length,
      async () => (await app.down({ steps: 1 }, { dryRun: true })).reversed.length,
      async () => (await app.down({ steps: 1 })).reversed.length,
    ];
    const answers: number[] = [];
    for (const ask of asked) {
      using other = lockedAt(app.path, "EXCLUSIVE");
      const asking = ask();
      await breath();
      other.exec("COMMIT");
      answers.push(await asking);
    }
    deepEqual(answers, [1, 0, 1, 1, 1, 1]);
  });

  it("is told to be so, with who has it as far as that shows, once nobody waits any longer", async () => {
    await using app = sqliteUnderTest(FILES, { patience: { boundMs: 0, otherRunMs: 0 } });
    app.run("CREATE TABLE seen (n int)");
    using other = lockedAt(app.path, "EXCLUSIVE");
    const at = { directory: app.folder, signal: never() };
    const told = async (asked: Promise<unknown>, words: RegExp): Promise<void> => {
      const { code, what, where } = await faultOf(asked);
      deepEqual([code, where], ["migration-blocked", app.path]);
      match(what, words);
    };
    for (const asked of [app.migrations.status(at), app.migrations.history(at)])
      await told(asked, /^Somebody else has all of this database locked, so that nobody can read it\.$/);
    for (const asked of [app.up(), app.up({ dryRun: true })])
      await told(asked, /^Somebody else has been writing to this database all the time, and nothing was done\.$/);
    other.exec("COMMIT");
    using writer = lockedAt(app.path, "IMMEDIATE");
    equal((await faultOf(app.up({ dryRun: true }))).code, "migration-blocked");
    writer.exec("COMMIT");
  });

  it("that is read all the time is not written to, and nothing of the migration is done", async () => {
    await using app = sqliteUnderTest(FILES, { patience: { boundMs: 0, otherRunMs: 0 } });
    app.run("CREATE TABLE seen (n int); INSERT INTO seen VALUES (1), (2)");
    await app.up({ atMost: 0 });
    using reader = new DatabaseSync(app.path);
    reader.exec("BEGIN; SELECT n FROM seen");
    equal((await faultOf(app.up())).code, "migration-blocked");
    reader.exec("COMMIT");
    deepEqual(app.column("SELECT name FROM sqlite_schema WHERE name = 'a'"), []);
    equal((await app.up()).applied.length, 1);
  });

  it("is let go of by who has migrated, also where others write in that moment", async () => {
    await using app = sqliteUnderTest(FILES);
    const session = await openSession({
      path: app.path,
      application: "tidegate migrate up (alice)",
      signal: never(),
      boundMs: 0,
      otherRunMs: 0,
      onWait: () => undefined,
      onlyTries: false,
      isMade: true,
    });
    using other = lockedAt(app.path, "IMMEDIATE");
    const ending = session[Symbol.asyncDispose]();
    await breath();
    other.exec("COMMIT");
    await ending;
    deepEqual(app.column("SELECT pid FROM tidegate_migration_lock"), []);
  });

  it("is known to be open by the processes that have it, by whatever name it is called", async () => {
    await using app = sqliteUnderTest(FILES);
    app.run("CREATE TABLE seen (n int)");
    symlinkSync(app.folder, `${app.folder}-by-another-name`);
    const file = openSync(app.path, "r");
    const child = spawn("sleep", ["60"], { stdio: [file, "ignore", "ignore"] });
    try {
      await once(child, "spawn");
      const users = usersOf(`${app.folder}-by-another-name/shop.db`);
      deepEqual(users, [`process ${child.pid}: sleep 60`]);
    } finally {
      closeSync(file);
      unlinkSync(`${app.folder}-by-another-name`);
      child.kill("SIGKILL");
      await once(child, "exit");
    }
  });

  it("names who migrates, where the lock of migrations can be read", async () => {
    await using app = sqliteUnderTest(FILES, { patience: { boundMs: 60_000 } });
    const blocked: unknown[] = [];
    const meanwhile = async (): Promise<void> => {
      await using other = sqliteUnderTest(FILES, { path: app.path, patience: { boundMs: 0, otherRunMs: 0 } });
      blocked.push((await faultOf(other.up())).fix);
    };
    app.write("2_b.sql", "-- phase: contract\n-- migrate:up\nCREATE TABLE b (id int);");
    await app.up({ beforeContract: meanwhile });
    match(String(blocked[0]), /\(tidegate migrate up \(alice\) \(process \d+, since /);
  });

  it("says that it waits, and goes on when the other is done", async () => {
    await using app = sqliteUnderTest(FILES, { patience: { boundMs: 60_000 } });
    app.run("CREATE TABLE seen (n int)");
    using other = lockedAt(app.path, "IMMEDIATE");
    const told: MigrationProgress["kind"][] = [];
    const tell: UpRequest["tell"] = ({ kind }) => {
      told.push(kind);
      if (kind === "waiting-for-lock") other.exec("COMMIT");
    };
    equal((await app.up({ tell })).applied.length, 1);
    deepEqual(told, ["waiting-for-lock", "began", "done"]);
  });
});
