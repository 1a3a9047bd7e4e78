import { deepEqual, equal, match } from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { setImmediate as breath } from "node:timers/promises";
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
