import { deepEqual, equal, match } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { faultOf } from "../database/stand.ts";
import { type TcpDoor, tcpDoor } from "../database/tools/tcp-door.ts";
import { type ToolUnderTest, toolUnderTest } from "../database/tools/tool-under-test.ts";
import { type PostgresServer, postgresServer } from "../support/postgres.ts";
import { type TemporaryFolder, temporaryFolder } from "../support/temporary-folder.ts";
import { packageCache } from "./support/package-cache.ts";

const PACKAGES = ["knex@3.1.0", "db-migrate@0.11.14", "db-migrate-pg@1.5.2", "pg@8"];

/** What both of them do; only their files are written in other words. */
interface Files {
  readonly kind: "knex" | "db-migrate";
  readonly orders: string;
  readonly legacy: string;
  readonly note: string;
  readonly half: string;
}

const KNEX: Files = {
  kind: "knex",
  orders: `exports.up = (knex) => knex.schema.createTable("orders", (t) => { t.integer("id"); t.text("legacy"); });
exports.down = (knex) => knex.schema.dropTable("orders");
`,
  legacy: `exports.up = (knex) => knex.schema.alterTable("orders", (t) => t.dropColumn("legacy"));
exports.down = (knex) => knex.schema.alterTable("orders", (t) => t.text("legacy"));
`,
  note: `exports.up = (knex) => knex.schema.alterTable("orders", (t) => t.text("note"));
exports.down = (knex) => knex.schema.alterTable("orders", (t) => t.dropColumn("note"));
`,
  half: `exports.up = async (knex) => {
  await knex.raw("CREATE TABLE half (id int)");
  await knex.raw("ALTER TABLE nowhere ADD x int");
};
exports.down = (knex) => knex.schema.dropTable("half");
`,
};

const DB_MIGRATE: Files = {
  kind: "db-migrate",
  orders: `exports.up = (db) => db.runSql("CREATE TABLE orders (id int, legacy text)");
exports.down = (db) => db.runSql("DROP TABLE orders");
`,
  legacy: `exports.up = (db) => db.runSql("ALTER TABLE orders DROP legacy");
exports.down = (db) => db.runSql("ALTER TABLE orders ADD legacy text");
`,
  note: `exports.up = (db) => db.runSql("ALTER TABLE orders ADD note text");
exports.down = (db) => db.runSql("ALTER TABLE orders DROP note");
`,
  half: `exports.up = async (db) => {
  await db.runSql("CREATE TABLE half (id int)");
  await db.runSql("ALTER TABLE nowhere ADD x int");
};
exports.down = (db) => db.runSql("DROP TABLE half");
`,
};

describe("Migration tools from npm under Tidegate", () => {
  let server: PostgresServer;
  let door: TcpDoor;
  let installed: TemporaryFolder;

  before(async () => {
    server = await postgresServer();
    door = await tcpDoor(server);
    installed = temporaryFolder();
    mkdirSync(installed.file("node_modules"));
    writeFileSync(installed.file("package.json"), "{}");
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...PACKAGES], {
      cwd: installed.path,
      env: { ...process.env, npm_config_cache: packageCache() },
      stdio: "ignore",
    });
  });
  after(async () => {
    await installed[Symbol.asyncDispose]();
    await door[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  const started = async ({ kind, orders }: Files): Promise<ToolUnderTest> => {
    const app = await toolUnderTest(
      server,
      { kind, folder: "migrations", phases: {} },
      {
        "package.json": "{}",
        "knexfile.js": 'module.exports = { client: "pg", connection: process.env.DATABASE_URL };\n',
        "migrations/20260101000000-orders.js": orders,
      },
      { door },
    );
    cpSync(installed.file("node_modules"), `${app.directory}/node_modules`, { recursive: true });
    return app;
  };

  for (const files of [KNEX, DB_MIGRATE])
    it(`${files.kind} goes up past what waits for later, says where it broke off, and goes back while nothing is lost`, async () => {
      await using app = await started(files);
      await app.up({ release: 1 });
      await app.client.query("INSERT INTO orders SELECT n, 'l' || n FROM generate_series(1, 50) n");
      const sum = await app.checksum("orders");
      app.write("migrations/20260102000000-legacy.js", files.legacy);
      app.write("migrations/20260103000000-note.js", files.note);
      const { pending } = await app.status();
      deepEqual(
        pending.map(({ file, phase, drops, isReversible }) => [file, phase, drops, isReversible]),
        [
          ["migrations/20260102000000-legacy.js", "contract", ["orders.legacy"], true],
          ["migrations/20260103000000-note.js", "expand", [], true],
        ],
      );
      const { applied, pendingLater } = await app.up({ phases: ["expand"], release: 2 });
      deepEqual(
        applied.map(({ file }) => file),
        ["migrations/20260103000000-note.js"],
      );
      deepEqual(pendingLater, ["migrations/20260102000000-legacy.js"]);
      app.write("migrations/20260104000000-half.js", files.half);
      const unknown = await faultOf(app.up({ phases: ["expand"] }));
      equal(unknown.code, "migration-phase-unknown");
      app.write("migrations/20260104000000-half.js", `// tidegate: phase=expand\n${files.half}`);
      const fault = await faultOf(app.up({ phases: ["expand"] }));
      equal(fault.what, "migrations/20260104000000-half.js failed; nothing of it was done.");
      match(JSON.stringify(fault), /relation \\"nowhere\\" does not exist/);
      deepEqual(await app.column("SELECT to_regclass('half') IS NULL"), ["true"]);
      app.remove("migrations/20260104000000-half.js");
      await app.client.query("UPDATE orders SET note = 'x' WHERE id < 4");
      deepEqual((await faultOf(app.down({ steps: 1 }))).detail, [
        "migrations/20260103000000-note.js drops column orders.note, which 3 of 50 rows have a value in",
      ]);
      await app.client.query("UPDATE orders SET note = NULL");
      deepEqual(
        (await app.down({ release: 2 })).reversed.map(({ file }) => file),
        ["migrations/20260103000000-note.js"],
      );
      equal(await app.checksum("orders"), sum);
      await app.up();
      deepEqual(await app.column("SELECT count(*) FROM information_schema.columns WHERE table_name = 'orders'"), ["2"]);
    });
});
