import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
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
    write("latin.sql", Buffer.from("SELECT 1;\nSELECT 'caf\xe9';\n", "latin1"));
    write("wide.sql", Buffer.from("SELECT 1;\n", "utf16le"));
    write("drop.sql", "DROP TABLE carts;\n");
    const latin = await run("lint", "latin.sql", "drop.sql", "wide.sql");
    assert.equal(latin.code, 2);
    assert.match(latin.stdout, /latin\.sql:2\b.*\n.*Column 12: This is not UTF-8 \(byte 0xe9\)/);
    assert.match(latin.stdout, /drop\.sql:1 {2}DROP TABLE carts\n/, "the others are looked at all the same");
    assert.match(latin.stdout, /wide\.sql:1\b.*\n.*zero byte/);
    const { statements } = JSON.parse((await run("lint", "latin.sql", "--json")).stdout) as {
      readonly statements: readonly LintedStatement[];
    };
    assert.deepEqual(
      statements.map(({ file, line, findings }) => [file, line, findings.map(({ rule }) => rule)]),
      [["latin.sql", 2, ["not-utf8"]]],
    );
    const none = await run("lint", "nowhere.sql");
    assert.equal(none.code, 2);
    assert.match(none.stderr, /There is no such file\.\n.*nowhere\.sql/);
    mkdirSync(folder.file("empty"), { recursive: true });
    assert.match((await run("lint", "empty")).stderr, /There is no \.sql file in this folder/);
  });

  it("reads the SQL of SQLite as such where --dialect, the address or the plan file says so", async () => {
    const valid = [
      "-- migrate:up",
      "CREATE TABLE things (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT COLLATE NOCASE) WITHOUT ROWID;",
      "CREATE TRIGGER t AFTER INSERT ON things BEGIN UPDATE things SET a = 1; DELETE FROM things; END;",
      "INSERT OR REPLACE INTO things VALUES (1, `b`);",
      "CREATE INDEX orders_at ON orders ([at]);",
      "UPDATE orders SET note = '';",
      "CREATE TABLE new_orders (id INTEGER PRIMARY KEY, note TEXT);",
      "INSERT INTO new_orders SELECT id, note FROM orders;",
      "DROP TABLE orders;",
      "ALTER TABLE new_orders RENAME TO orders;",
    ].join("\n");
    write("sqlite.sql", valid);
    const silent = await run("lint", "sqlite.sql", "--dialect", "sqlite", "--all");
    assert.equal(silent.code, 0, silent.stdout);
    assert.match(silent.stdout, /^9 statements in 1 file: 0 errors, 0 warnings, 0 notes\./);
    assert.equal((await run("lint", "sqlite.sql", "--database", "sqlite:shop.db")).code, 0);
    assert.equal((await run("lint", "sqlite.sql")).code, 3, "nothing says that it is SQLite's");

    write("breaks.sql", "-- migrate:up\nALTER TABLE orders DROP COLUMN note;\nVACUUM;\nBEGIN IMMEDIATE;\n");
    const broken = await run("lint", "breaks.sql", "--dialect", "sqlite", "--json");
    assert.equal(broken.code, 3);
    const { statements } = JSON.parse(broken.stdout) as { readonly statements: readonly LintedStatement[] };
    assert.deepEqual(
      statements.map(({ findings }) => findings.map(({ rule }) => rule)),
      [["ban-drop-column"], ["outside-of-transaction"], ["own-transaction"]],
    );
    assert.match((await run("lint", "sqlite.sql", "--dialect", "mysql")).stderr, /does not know the SQL of "mysql"/);
  });

  it("says where the SQL of a tool is to be had", async () => {
    await using app = temporaryFolder();
    const plan = `app: shop\nservices: { web: { run: node server.js } }\ntraffic: { embedded: 0 }\ndatabase: { url: "postgres://127.0.0.1/shop", migrations: { alembic: . } }\n`;
    writeFileSync(app.file("tidegate.yaml"), plan);
    writeFileSync(app.file("alembic.ini"), "");
    const { code, stderr } = await tidegate(["migrate", "lint"], { cwd: app.path });
    assert.equal(code, 2);
    assert.match(stderr, /run by alembic.*\n.*alembic upgrade head --sql \| tidegate migrate lint -/);
  });

  it("waits for what a slow program before it in the pipe has to say", async () => {
    const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
    const shell = spawn(
      "sh",
      ["-c", '(sleep 1; echo "ALTER TABLE a DROP COLUMN b;") | "$0" "$1" migrate lint -', process.execPath, main],
      { cwd: folder.path, stdio: ["ignore", "pipe", "inherit"] },
    );
    assert.match(await text(shell.stdout), /^-:1 {2}ALTER TABLE a DROP COLUMN b$/m);
  });

  it("knows by the plan file whose SQL it is, and which files `migrate up` runs in a transaction", async () => {
    await using app = temporaryFolder();
    mkdirSync(app.file("sql"));
    const inApp = (...words: readonly string[]) => tidegate(["migrate", "lint", ...words], { cwd: app.path });
    const plan = (url: string): void =>
      writeFileSync(
        app.file("tidegate.yaml"),
        `app: shop\nservices: { web: { run: node server.js } }\ntraffic: { embedded: 0 }\ndatabase: { url: "${url}", migrations: sql }\n`,
      );
    writeFileSync(app.file("sql/1_a.sql"), "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT);\nVACUUM;\n");
    writeFileSync(app.file("other.sql"), "VACUUM;\n");
    plan("sqlite:shop.db");
    assert.match((await inApp()).stdout, /sql\/1_a\.sql:2/, "its folder is looked at by default");
    const found = await inApp("sql", "other.sql");
    assert.equal(found.stderr, "");
    assert.match(found.stdout, /sql\/1_a\.sql:2 {2}VACUUM\n.*SQLite refuses VACUUM/);
    assert.doesNotMatch(found.stdout, /other\.sql|AUTOINCREMENT/);
    plan("${NOT_THERE}");
    const untold = await inApp("other.sql");
    assert.equal(untold.code, 0);
    assert.match(untold.stderr, /taken for PostgreSQL's \(--dialect says it\)/);
    assert.equal((await inApp("other.sql", "--dialect", "postgres")).stderr, "");
  });

  it("says what is no word of it", async () => {
    assert.match((await run("lnit")).stderr, /"lnit" is nothing that can be done with migrations/);
  });
});
