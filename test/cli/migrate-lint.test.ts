import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import type { LintedStatement } from "../../src/core/migration/finding.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { tidegate } from "./support/program.ts";

const folder = temporaryFolder();
after(() => folder[Symbol.asyncDispose]());
const run = (...words: readonly string[]) => tidegate(["migrate", ...words], { cwd: folder.path });
const write = (name: string, text: string | Buffer): void => writeFileSync(folder.file(name), text);

describe("migrate lint", () => {
  it("needs no plan file and no database, and ends with 3 for what nobody has allowed", async () => {
    write("bad.sql", "CREATE INDEX o ON orders (id);\n");
    const { code, stdout } = await run("lint", "bad.sql");
    assert.equal(code, 3);
    assert.match(stdout, /bad\.sql:1 {2}CREATE INDEX o ON orders \(id\)/);
    assert.match(
      stdout,
      /Nobody can write to orders until the index is built\.\n {4}fix {2}Write CREATE INDEX CONCURRENTLY/,
    );
    assert.match(stdout, /1 statement in 1 file: 1 error, 0 warnings, 1 note\. --all shows the notes too\./);
  });

  it("ends with 0 where only warnings and notes are left, and where errors are allowed", async () => {
    write(
      "good.sql",
      "-- tidegate:allow require-concurrent-index-creation because the table is empty\nCREATE INDEX o ON orders (id);\n",
    );
    const { code, stdout } = await run("lint", "good.sql", "--all");
    assert.equal(code, 0);
    assert.match(stdout, /allowed because the table is empty/);
  });

  it("prints one document with --json: every statement, in the order of the files", async () => {
    mkdirSync(folder.file("db/migrations"), { recursive: true });
    write("db/migrations/2.sql", "DROP TABLE carts;\n");
    write("db/migrations/1.sql", "\ufeffSELECT 1;\r\n\r\nALTER TABLE a RENAME TO b;\r\n");
    const { code, stdout } = await run("lint", "--json");
    assert.equal(code, 3);
    const { statements } = JSON.parse(stdout) as { readonly statements: readonly LintedStatement[] };
    assert.deepEqual(
      statements.map(({ file, line, sql }) => [file, line, sql]),
      [
        ["db/migrations/1.sql", 1, "SELECT 1"],
        ["db/migrations/1.sql", 3, "ALTER TABLE a RENAME TO b"],
        ["db/migrations/2.sql", 1, "DROP TABLE carts"],
      ],
    );
    const [finding] = statements[1]?.findings ?? [];
    assert.deepEqual(Object.keys(finding ?? {}), ["kind", "rule", "severity", "message", "fix"]);
    assert.deepEqual([finding?.kind, finding?.rule, finding?.severity], ["compat", "renaming-table", "error"]);
  });

  it("says what it can't read, and where", async () => {
    write("latin.sql", Buffer.from("SELECT 'caf\xe9';\n", "latin1"));
    const latin = await run("lint", "latin.sql");
    assert.equal(latin.code, 2);
    assert.match(latin.stderr, /This is not UTF-8.*\n.*latin\.sql/);
    const none = await run("lint", "nowhere.sql");
    assert.equal(none.code, 2);
    assert.match(none.stderr, /There is no such file\.\n.*nowhere\.sql/);
    mkdirSync(folder.file("empty"), { recursive: true });
    assert.match((await run("lint", "empty")).stderr, /There is no \.sql file in this folder/);
  });

  it("says what is no word of it", async () => {
    assert.match((await run("lnit")).stderr, /"lnit" is nothing that can be done with migrations/);
  });
});
